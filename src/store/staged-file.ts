/** `<sha>/file.json`: what was dropped, as first seen. Written once the content is in the store. */

import type { FileFormat } from '../domain/parse-options.ts';
import { fileKey } from './layout.ts';
import type { Store } from './store.ts';

export interface StagedFile {
  readonly sha256: string;
  /** Base name of the first drop. */
  readonly name: string;
  readonly format: FileFormat;
  readonly gzip: boolean;
  /** Bytes dropped. */
  readonly sizeBytes: number;
  /** Bytes after expansion; equal to sizeBytes without gzip. */
  readonly contentBytes: number;
  readonly stagedAt: string;
  /** Set when the content could not be staged whole (bad gzip): the file is refused by its workflow, before anything is sent. */
  readonly refusal?: { readonly code: string; readonly message: string };
}

/** undefined: never staged. */
export async function readStagedFile(store: Store, sha256: string): Promise<StagedFile | undefined> {
  const bytes = await store.get(fileKey(sha256));
  return bytes === undefined ? undefined : (JSON.parse(bytes.toString('utf8')) as StagedFile);
}

export async function writeStagedFile(store: Store, file: StagedFile): Promise<void> {
  await store.put(fileKey(file.sha256), `${JSON.stringify(file, null, 2)}\n`);
}
