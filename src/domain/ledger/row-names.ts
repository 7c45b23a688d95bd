/** Names of rows of other files, `<sha256>:<line>`, as the state of a row keeps them: a text, each name with a space behind it. Pure. */

export const rowName = ({ sha256 }: { readonly sha256: string }, line: number): string => `${sha256}:${line}`;
export const hasName = (names: string, name: string): boolean => names.includes(`${name} `);
export const withName = (names: string, name: string): string => (hasName(names, name) ? names : `${names}${name} `);
export const withoutName = (names: string, name: string): string => names.replace(`${name} `, '');
export const namesIn = (names: string): string[] => names.split(' ').filter((name) => name !== '');

/** What a name says; undefined: it is none. */
export function parseRowName(name: string): { readonly sha256: string; readonly line: number } | undefined {
  const [, sha256, line] = /^([0-9a-f]{64}):(\d+)$/.exec(name) ?? [];
  return sha256 === undefined ? undefined : { sha256, line: Number(line) };
}
