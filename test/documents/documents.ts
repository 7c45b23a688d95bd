/** The documents as their readers see them: the fenced blocks, and what stands in those of a shell, as a shell would take it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

/** Those that tell users and contributors what to type. */
export const DOCUMENTS: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

const CHAINED = /^(?:&&|\|\|?|;)$/;

export interface Block {
  readonly path: string;
  /** Where its first line stands, from 1. */
  readonly line: number;
  /** '' where the fence names none. */
  readonly language: string;
  readonly text: string;
}

export interface Command {
  readonly path: string;
  readonly line: number;
  /** All of it, without its comment. */
  readonly text: string;
  /** Those before its name: `WDS_API_TOKEN=…`. */
  readonly env: Readonly<Record<string, string>>;
  readonly program: string;
  readonly args: readonly string[];
}

export const blocks: readonly Block[] = DOCUMENTS.flatMap((path) => {
  const text = readFileSync(join(ROOT, path), 'utf8');
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(({ index, 1: language = '', 2: content = '' }) => ({
    path,
    line: text.slice(0, index).split('\n').length + 1,
    language,
    text: content,
  }));
});

export const blocksOf = (language: string, path?: string): readonly Block[] =>
  blocks.filter((block) => block.language === language && (path === undefined || block.path === path));

/** The one that says this. */
export function blockWith(path: string, piece: string): Block {
  const found = blocks.filter((block) => block.path === path && block.text.includes(piece));
  if (found.length !== 1) throw new Error(`${found.length} blocks of ${path} say ${piece}`);
  return found[0]!;
}

/** Lines of a shell, those that go on in the next one as one. Of what is chained by `&&` or `|` each is a command. */
export function commandsOf(block: Block): Command[] {
  const lines: { text: string; line: number }[] = [];
  for (const [at, text] of block.text.split('\n').entries()) {
    const before = lines.at(-1);
    if (before?.text.endsWith('\\')) before.text = `${before.text.slice(0, -1)}${text.trim()}`;
    else lines.push({ text, line: block.line + at });
  }
  return lines.flatMap(({ text, line }) => {
    const { words, end } = wordsOf(text);
    return chainOf(words).map((one) => {
      const first = one.findIndex((word) => !/^[A-Z][A-Z0-9_]*=/.test(word));
      const set = first === -1 ? one : one.slice(0, first);
      const env = Object.fromEntries(set.map((word) => [word.split('=', 1)[0]!, word.slice(word.indexOf('=') + 1)]));
      const [program = '', ...args] = first === -1 ? [] : one.slice(first);
      return { path: block.path, line, text: text.slice(0, end).trim(), env, program, args };
    });
  });
}

export const commands: readonly Command[] = blocksOf('sh').flatMap(commandsOf);

/** Words as a shell splits them, and where its comment begins. What `$(…)` would print is `$(…)`. */
function wordsOf(text: string): { words: string[]; end: number } {
  const words: string[] = [];
  const pieces = /\s+|(#.*)|&&|\|\|?|;|[<>]\s*\S+|((?:'[^']*'|"(?:\$\([^)]*\)|[^"])*"|\$\([^)]*\)|[^\s'"&|;<>])+)/gy;
  for (const { 0: piece, 1: comment, 2: word, index } of text.matchAll(pieces)) {
    if (comment !== undefined) return { words, end: index };
    if (word !== undefined) words.push(word.replaceAll(/'([^']*)'|"([^"]*)"/g, (_, one, other) => one ?? other));
    else if (CHAINED.test(piece)) words.push(piece);
  }
  return { words, end: text.length };
}

function chainOf(words: readonly string[]): string[][] {
  const chain: string[][] = [[]];
  for (const word of words) {
    if (CHAINED.test(word)) chain.push([]);
    else chain.at(-1)!.push(word);
  }
  return chain.filter((one) => one.length > 0);
}
