/**
 * `<sha>/pruned.json`: that parts of a file were removed on purpose, when, and how its rows stood then. So whoever misses them is told what is so,
 * and takes it for no damage. Written before anything is removed.
 */
import type { FileCounts } from '../domain/counts.ts';
import { prunedKey } from './layout.ts';
import type { Store } from './store.ts';

export interface PrunedRecord {
  /** ISO 8601; of the last time. */
  readonly at: string;
  /** Why: `retention`, `forgotten` (a user was erased from it). */
  readonly why: 'retention' | 'forgotten';
  /** Which of them, over all times. */
  readonly parts: readonly ('content' | 'chunks')[];
  /** By endpoint: its counts as they were when its chunks were removed. */
  readonly counts: Readonly<Record<string, FileCounts>>;
}

/** undefined: nothing was ever removed. */
export async function readPruned(store: Store, sha256: string): Promise<PrunedRecord | undefined> {
  const bytes = await store.get(prunedKey(sha256));
  return bytes === undefined ? undefined : (JSON.parse(bytes.toString('utf8')) as PrunedRecord);
}

/** Adds to what is known. */
export async function rememberPruned(store: Store, sha256: string, now: PrunedRecord): Promise<void> {
  const before = await readPruned(store, sha256);
  const parts = [...new Set([...(before?.parts ?? []), ...now.parts])].sort();
  const record: PrunedRecord = { ...now, parts, counts: { ...before?.counts, ...now.counts } };
  await store.put(prunedKey(sha256), `${JSON.stringify(record, null, 2)}\n`);
}

/** ` It was pruned on 2030-01-02.`, for the end of what says that something is not there; nothing where it was not. */
export async function prunedText(store: Store, sha256: string): Promise<string> {
  const pruned = await readPruned(store, sha256);
  if (pruned === undefined) return '';
  const why = pruned.why === 'forgotten' ? 'removed when a user was forgotten,' : 'pruned';
  return `; it was ${why} on ${pruned.at.slice(0, 10)}`;
}
