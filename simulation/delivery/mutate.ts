/** Takes a mend out of the text of a module, while it is loaded. */
import type { Mutation } from './mutations.ts';
import { MUTATIONS } from './mutations.ts';

export function mutationIn(args: readonly string[]): Mutation | undefined {
  const at = args.indexOf('--mutation');
  if (at === -1) return undefined;
  const name = args[at + 1];
  const found = MUTATIONS.find((mutation) => mutation.name === name);
  if (found === undefined)
    throw new Error(`no mutation ${name}; there are: ${MUTATIONS.map((one) => one.name).join(', ')}`);
  return found;
}

/** The text of a module without the mend; undefined: the module is another one. */
export function mutated({ name, pieces }: Mutation, url: string, source: string): string | undefined {
  const ofModule = pieces.filter(({ module }) => url.endsWith(`/${module}.js`));
  if (ofModule.length === 0) return undefined;
  let text = source;
  for (const { from, to, module } of ofModule) {
    const parts = text.split(from);
    if (parts.length !== 2) throw new Error(`mutation ${name}: "${from}" is ${parts.length - 1} times in ${module}`);
    text = parts.join(to);
  }
  return text;
}
