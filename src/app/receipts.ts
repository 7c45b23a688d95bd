/** The receipts of a file, one after the other, as they are now: also while it is being sent. Memory is bounded by one chunk. */
import { Fault } from '../domain/failure.ts';
import { parseRowName } from '../domain/ledger/row-names.ts';
import { webhookId } from '../domain/names.ts';
import { parseKey } from '../domain/parse-options.ts';
import { readChunk, readWindow, userOf } from '../store/chunks.ts';
import type { DeliveryRecord } from '../store/delivery-record.ts';
import { prunedText, readPruned } from '../store/pruned.ts';
import { rowOutcome } from '../store/report-rows.ts';
import type { Installation } from '../temporal/installation.ts';
import type { Receipt } from './served.ts';

/** Throws Fault `not_found` where the rows were pruned: none would look like a file without any. */
export async function openReceipts(
  installation: Pick<Installation, 'store' | 'ledgers'>,
  record: DeliveryRecord,
): Promise<AsyncIterable<readonly Receipt[]>> {
  const { store } = installation;
  const { sha256, parse, fileName } = record;
  const isThere = (await readWindow(store, { sha256, parseKey: parseKey(parse), window: 1 })) !== undefined;
  if (!isThere && (await readPruned(store, sha256))?.parts.includes('chunks')) {
    const what = `the rows of ${fileName} are not in the store any more${await prunedText(store, sha256)}`;
    throw new Fault('not_found', what, 'wds report tells its numbers, and wds find what became of one user.');
  }
  return readReceipts(installation, record);
}

/** Those of a chunk together. Throws ChunksMissing where the rows are not in the store any more. */
async function* readReceipts(
  { store, ledgers }: Pick<Installation, 'store' | 'ledgers'>,
  { sha256, endpoint, parse }: DeliveryRecord,
): AsyncGenerator<readonly Receipt[]> {
  for (let number = 1; ; number++) {
    const of = { sha256, parseKey: parseKey(parse), window: number };
    const window = await readWindow(store, of);
    if (window === undefined) return;
    for (let chunk = window.firstChunk; chunk < window.firstChunk + window.chunks; chunk++) {
      const states = await ledgers.read({ sha256, endpoint, chunk });
      const rows = await readChunk(store, { ...of, chunk });
      yield rows.map((row): Receipt => {
        const state = states.get(row.line);
        const isDuplicate = parseRowName(state?.duplicateOf ?? '') !== undefined;
        const outcome = isDuplicate ? 'duplicate' : rowOutcome(state, undefined);
        return {
          userId: userOf(row),
          line: row.line,
          outcome,
          status: state?.status ?? null,
          attempts: state?.attempts ?? 0,
          finishedAt: state === undefined || outcome === 'pending' ? null : new Date(state.atMs).toISOString(),
          webhookId: webhookId(endpoint, sha256, row.line),
          reason: state?.reason ?? '',
        };
      });
    }
    if (window.next === null) return;
  }
}
