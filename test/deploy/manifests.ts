/** The manifests of `deploy/kubernetes`, as kustomize would put them together, without kustomize. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

export const ROOT = join(import.meta.dirname, '../..');
const FOLDER = join(ROOT, 'deploy/kubernetes');

export interface Kustomization {
  readonly resources: readonly string[];
  readonly labels?: readonly { readonly pairs: Record<string, string> }[];
  readonly patches?: readonly Patch[];
  readonly images?: readonly { readonly name: string; readonly newTag: string }[];
}

/** `kind`: several, with `|` in between. `labelSelector`: one label that must not have a value. */
interface Patch {
  readonly target: { readonly kind: string; readonly name?: string; readonly labelSelector?: string };
  /** JSON patch (RFC 6902), as YAML. */
  readonly patch: string;
}

export interface Manifest {
  readonly file: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Record<string, string> };
  // biome-ignore lint/suspicious/noExplicitAny: its shape is what is tested, by the compiler.
  readonly spec: any;
}

export type Part = 'base' | 'monitoring' | 's3' | 'worker-controller';

export function documentsOf(path: string): unknown[] {
  return parseAllDocuments(readFileSync(join(ROOT, path), 'utf8')).map((document) => {
    if (document.errors.length > 0) throw new Error(`${path}: ${document.errors[0]!.message}`);
    return document.toJS() as unknown;
  });
}

export const kustomizationOf = (part: Part): Kustomization =>
  documentsOf(`deploy/kubernetes/${part}/kustomization.yaml`)[0] as Kustomization;

/** The files of a part that are no manifests. */
const OTHERS = new Set(['kustomization.yaml', 'wds.config.yaml', 'names.yaml']);

export const filesOf = (part: Part): string[] =>
  readdirSync(join(FOLDER, part))
    .filter((name) => !OTHERS.has(name))
    .sort();

export const manifestsOf = (part: Part): Manifest[] =>
  filesOf(part).flatMap((file) =>
    documentsOf(`deploy/kubernetes/${part}/${file}`).map((manifest) => ({
      file,
      ...(manifest as Omit<Manifest, 'file'>),
    })),
  );

/** What a component makes of them; each of its patches has to find something to change. */
export function withComponent(manifests: readonly Manifest[], part: Part): Manifest[] {
  const changed = structuredClone([...manifests, ...manifestsOf(part)]);
  for (const { target, patch } of kustomizationOf(part).patches ?? []) {
    const [label = '', value] = target.labelSelector?.split('!=') ?? [];
    const chosen = changed.filter(
      ({ kind, metadata }) =>
        target.kind.split('|').includes(kind) &&
        (target.name ?? metadata.name) === metadata.name &&
        (value === undefined || metadata.labels?.[label] !== value),
    );
    if (chosen.length === 0) throw new Error(`nothing is chosen by ${JSON.stringify(target)}`);
    for (const manifest of chosen) for (const operation of parse(patch) as Operation[]) apply(manifest, operation);
  }
  return changed;
}

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value: unknown;
}

function apply(manifest: Manifest, { op, path, value }: Operation): void {
  const keys = path.slice(1).split('/');
  const last = keys.pop()!;
  const inside = (object: unknown, key: string): unknown => (object as Record<string, unknown>)[key];
  const at = keys.reduce(inside, manifest) as Record<string, unknown>;
  if (op === 'add' && last === '-') (at as unknown as unknown[]).push(value);
  else if (op === 'add' || (op === 'replace' && last in at)) at[last] = value;
  else throw new Error(`${op} of ${path}: nothing is there`);
}
