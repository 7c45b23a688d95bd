/** What may be removed of a file while its receipts stay: its content, its rows, its reports. How large each is, since when, and how it goes. */
import type { Store } from './store.ts';

export interface PartSize {
  readonly part: 'content' | 'chunks' | 'reports';
  readonly bytes: number;
  /** When it was last written, as time of day. */
  readonly changedMs: number;
}

export interface StoredPart extends PartSize {
  /** Where it is gone already, nothing happens. */
  remove(): Promise<void>;
}

export interface FileGlance {
  readonly sha256: string;
  /**
   * What one look at the whole store showed of it, perhaps with reports of other files among it: enough to see that nothing is old. undefined: there
   * is no such look, and each file has to be asked for.
   */
  readonly parts: readonly PartSize[] | undefined;
}

/** The parts of all files. Every method throws Fault('store') where the store fails. */
export interface StoredParts {
  /** How many things are best asked for at a time: where each answer takes a while, many. */
  readonly atOnce: number;
  files(): AsyncIterable<FileGlance>;
  /** As they are now; those that are not there are left out. */
  of(
    sha256: string,
    deliveries: readonly { readonly fileName: string; readonly endpoint: string }[],
  ): Promise<StoredPart[]>;
}

/** Windows are taken away by their summaries first: what those do not name does not exist, so nobody finds half of one. */
export async function removeChunks(store: Store, prefix: string): Promise<void> {
  for (const name of await store.list(prefix)) if (name.endsWith('.json')) await store.delete(`${prefix}/${name}`);
  await store.delete(prefix);
}

/** Of several objects together; undefined where there are none. */
export function together(part: PartSize['part'], objects: readonly Omit<PartSize, 'part'>[]): PartSize | undefined {
  if (objects.length === 0) return undefined;
  const bytes = objects.reduce((sum, object) => sum + object.bytes, 0);
  return { part, bytes, changedMs: Math.max(...objects.map(({ changedMs }) => changedMs)) };
}
