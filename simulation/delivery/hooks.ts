/**
 * Module hooks: what a simulation replaces. Workflows get the double of Temporal's runtime; and, where a mutation is asked for, one mend is taken
 * out of the text of a module.
 */

import { mutated } from './mutate.ts';
import type { Mutation } from './mutations.ts';

interface Resolved {
  readonly url: string;
  readonly shortCircuit?: boolean;
}
type NextResolve = (specifier: string, context: unknown) => Promise<Resolved>;

interface Loaded {
  readonly format: string;
  readonly source: string | Buffer | null;
  readonly shortCircuit?: boolean;
}
type NextLoad = (url: string, context: unknown) => Promise<Loaded>;

let mutation: Mutation | undefined;

export function initialize(data: { readonly mutation: Mutation | undefined }): void {
  mutation = data.mutation;
}

export async function resolve(specifier: string, context: unknown, next: NextResolve): Promise<Resolved> {
  if (specifier === '@temporalio/workflow') {
    return { url: new URL('./temporal/workflow-double.js', import.meta.url).href, shortCircuit: true };
  }
  return next(specifier, context);
}

export async function load(url: string, context: unknown, next: NextLoad): Promise<Loaded> {
  const loaded = await next(url, context);
  if (mutation === undefined || !url.includes('/dist/')) return loaded;
  const source = mutated(mutation, url, String(loaded.source));
  return source === undefined ? loaded : { ...loaded, source };
}
