/** The manifests of `deploy/kubernetes`, as kustomize would put them together, without kustomize. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

export const ROOT = join(import.meta.dirname, '../..');
const FOLDER = join(ROOT, 'deploy/kubernetes');

export interface Kustomization {
  readonly resources: readonly string[];
  readonly labels?: readonly { readonly pairs: Record<string, string> }[];
  readonly images?: readonly { readonly name: string; readonly newTag: string }[];
}

export interface Manifest {
  readonly file: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Record<string, string> };
  // biome-ignore lint/suspicious/noExplicitAny: its shape is what is tested, by the compiler.
  readonly spec: any;
}

export type Part = 'base' | 'monitoring' | 'worker-controller';

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
