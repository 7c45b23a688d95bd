/** What keeping a home in order works on: its store, its inboxes, and whoever knows which deliveries run. */
import pMap from 'p-map';
import type { FileCounts } from '../../domain/counts.ts';
import { endedOf, NO_COUNTS } from '../../domain/counts.ts';
import { parseKey } from '../../domain/parse-options.ts';
import { readWindow } from '../../store/chunks.ts';
import type { DeliveryRecord } from '../../store/delivery-record.ts';
import type { OpenedStore } from '../../store/open-store.ts';
import { readPruned } from '../../store/pruned.ts';
import { readRefusal } from '../../store/refusals.ts';
import { rowOutcome } from '../../store/report-rows.ts';
import { newestRound } from '../../store/rounds.ts';
import type { Originals } from './originals.ts';

export interface House extends Pick<OpenedStore, 'store' | 'ledgers' | 'users' | 'reports' | 'parts'> {
  /** Those of this host, and in buckets, whose originals are looked at. */
  readonly inboxes: readonly Originals[];
  /** How its newest run stands; undefined: nobody remembers one. */
  runOf(workflowId: string): Promise<'running' | 'completed' | 'ended' | undefined>;
  /** Workflow IDs of all deliveries that run. */
  underWay(): AsyncIterable<string>;
}

/** What the receipts say of one delivery. */
export interface Standing {
  readonly counts: FileCounts;
  /** Alerts that a retry would send, or that need a decision. */
  readonly open: number;
  /** `gone`: its rows were removed, and the counts are those of then. `unread`: it was not read to its end, and nothing was sent. */
  readonly state: 'read' | 'refused' | 'unread' | 'gone';
  /** The last thing that happened to it, as time of day. */
  readonly lastMs: number;
}

/** Reads all receipts of a delivery, and no row. */
export async function standingOf(
  { store, ledgers, parts }: Pick<House, 'store' | 'ledgers' | 'parts'>,
  record: DeliveryRecord,
): Promise<Standing> {
  const { sha256, endpoint, parse, firstSubmittedAt } = record;
  const key = parseKey(parse);
  const counts: { -readonly [Name in keyof FileCounts]: FileCounts[Name] } & { suppressed: number } = {
    ...NO_COUNTS,
    suppressed: 0,
  };
  const round = await newestRound(store, record);
  let lastMs = Math.max(Date.parse(firstSubmittedAt) || 0, Date.parse(round?.begunAt ?? '') || 0);
  let moved = 0;
  for (let number = 1; ; number++) {
    const window = await readWindow(store, { sha256, parseKey: key, window: number });
    if (window === undefined) return withoutRows(store, record, lastMs);
    counts.rows += window.rows;
    counts.invalid += window.invalid;
    counts.duplicates += window.duplicates;
    counts.alerts += window.alerts;
    const chunks = Array.from({ length: window.chunks }, (_, index) => window.firstChunk + index);
    const count = async (chunk: number): Promise<void> => {
      for (const state of (await ledgers.read({ sha256, endpoint, chunk })).values()) {
        lastMs = Math.max(lastMs, state.atMs);
        const outcome = rowOutcome(state, undefined);
        if (state.duplicateOf !== '') {
          counts.alerts--;
          counts.duplicates++;
        } else if (outcome !== 'pending') counts[outcome]++;
        // Whoever took it over sends it.
        if (state.movedTo !== '' && outcome !== 'delivered' && outcome !== 'suppressed') moved++;
      }
    };
    await pMap(chunks, count, { concurrency: parts.atOnce });
    if (window.next === null) break;
  }
  const { rejected, undelivered, unconfirmed } = counts;
  counts.pending = Math.max(0, counts.alerts - endedOf(counts));
  const open = Math.max(0, rejected + undelivered + unconfirmed + counts.pending - moved);
  const refused = counts.delivered === 0 && (await readRefusal(store, sha256, key)) !== undefined;
  return { counts, open: refused ? 0 : open, state: refused ? 'refused' : 'read', lastMs };
}

async function withoutRows(store: House['store'], record: DeliveryRecord, lastMs: number): Promise<Standing> {
  const { sha256, endpoint, parse } = record;
  const known = (await readPruned(store, sha256))?.counts[endpoint];
  if (known !== undefined) {
    const { rejected, undelivered, unconfirmed, pending } = known;
    return { counts: known, open: rejected + undelivered + unconfirmed + pending, state: 'gone', lastMs };
  }
  const refused = (await readRefusal(store, sha256, parseKey(parse))) !== undefined;
  return { counts: NO_COUNTS, open: 0, state: refused ? 'refused' : 'unread', lastMs };
}
