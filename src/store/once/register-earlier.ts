/** What was sent to an endpoint before there was an index of it: registered once, by whoever needs it first. */
import { parseKey } from '../../domain/parse-options.ts';
import { ChunksMissing } from '../chunks.ts';
import { readDeliveryRecord } from '../delivery-record.ts';
import { newestRound } from '../rounds.ts';
import type { Store } from '../store.ts';
import type { OnceIndex } from './once-index.ts';
import type { RowsOf } from './row-pieces.ts';
import { ALL_WINDOWS } from './row-pieces.ts';

/** A file may be under way for long: what was begun so much earlier may have delivered within the time. */
const LONGEST_DELIVERY_MS = 31 * 24 * 3_600_000;

/**
 * Registers all deliveries that have begun, the first submitted first, but for `self` and those that are too old. Files whose rows are not in
 * the store any more cannot be compared, and do not count.
 */
export async function registerEarlier(index: OnceIndex, self: RowsOf, sinceMs: number): Promise<void> {
  const { store, endpoint } = index;
  const begun: { readonly file: RowsOf; readonly submittedAt: string }[] = [];
  for (const sha256 of await store.list('')) {
    if (!/^[0-9a-f]{64}$/.test(sha256) || sha256 === self.sha256) continue;
    const record = await readDeliveryRecord(store, { sha256, endpoint });
    const beganAtMs = record && (await beganAt(store, { sha256, endpoint, firstSubmittedAt: record.firstSubmittedAt }));
    if (record === undefined || beganAtMs === undefined || beganAtMs < sinceMs - LONGEST_DELIVERY_MS) continue;
    const file = { sha256, endpoint, parseKey: parseKey(record.parse), windows: ALL_WINDOWS };
    begun.push({ file, submittedAt: record.firstSubmittedAt });
  }
  begun.sort((a, b) => (a.submittedAt < b.submittedAt ? -1 : 1));
  for (const { file } of begun) {
    try {
      await index.register(file);
    } catch (error) {
      if (!(error instanceof ChunksMissing)) throw error;
    }
  }
}

/** When its newest round began; where rounds were run IDs, when it was submitted. undefined: nothing of it can have been sent. */
async function beganAt(
  store: Store,
  of: { readonly sha256: string; readonly endpoint: string; readonly firstSubmittedAt: string },
): Promise<number | undefined> {
  const round = await newestRound(store, of);
  if (round !== undefined && Date.parse(round.begunAt) > 0) return Date.parse(round.begunAt);
  const names = await store.list(`${of.sha256}/${of.endpoint}`);
  const sent = round !== undefined || names.some((name) => /^(\d{6}|row-)/.test(name));
  return sent ? Date.parse(of.firstSubmittedAt) : undefined;
}
