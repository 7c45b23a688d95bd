/** Files in a store for the benches, by the code that reads and sends: staged, read, submitted, and with receipts. Only the requests are missing. */
import { createHash } from 'node:crypto';
import { createReadChunks } from '../activities/read-chunks.ts';
import type { WindowResult } from '../src/domain/contracts.ts';
import { rangeScope } from '../src/domain/ledger/journal.ts';
import type { ParseOptions } from '../src/domain/parse-options.ts';
import { parseKey, WINDOW_ROWS } from '../src/domain/parse-options.ts';
import { readChunk } from '../src/store/chunks.ts';
import { settleDeliveryRecord, settleOptions } from '../src/store/delivery-record.ts';
import type { FolderLedgers } from '../src/store/folder-ledger.ts';
import type { FolderStore } from '../src/store/folder-store.ts';
import { contentKey } from '../src/store/layout.ts';
import { chunksOf } from '../src/store/origins.ts';
import { beginRound } from '../src/store/rounds.ts';
import { writeStagedFile } from '../src/store/staged-file.ts';

export interface BenchDelivery {
  readonly endpoint: string;
  readonly parse: ParseOptions;
}

/** Staged, read, and with a round begun. */
export async function readFile(store: FolderStore, { endpoint, parse }: BenchDelivery, source: AsyncIterable<string>) {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const bytes = async function* (): AsyncGenerator<Buffer> {
    for await (const text of source) {
      const piece = Buffer.from(text);
      hash.update(piece);
      sizeBytes += piece.length;
      yield piece;
    }
  };
  let sha256 = '';
  await store.putHashed(bytes(), async () => {
    sha256 = hash.digest('hex');
    return contentKey(sha256);
  });
  const dropped = { name: 'bench.csv', format: 'csv', gzip: false, stagedAt: new Date(0).toISOString() } as const;
  await writeStagedFile(store, { ...dropped, sha256, sizeBytes, contentBytes: sizeBytes });
  const { readChunks } = createReadChunks({ store, heartbeat: () => undefined, cancellation: () => undefined });
  let next: WindowResult['next'] = null;
  for (let window = 1; window === 1 || next !== null; window++) {
    ({ next } = await readChunks({ sha256, parse, window, cursor: next, windowRows: WINDOW_ROWS }));
  }
  const of = { sha256, endpoint, fileName: 'bench.csv', workflowId: 'bench' };
  await settleDeliveryRecord(store, { ...of, parse, firstSubmittedAt: new Date().toISOString() });
  await settleOptions(store, of, parse);
  await beginRound(store, of, { runId: sha256, begunAt: new Date().toISOString() });
  return { sha256, endpoint, parseKey: parseKey(parse) };
}

/** Receipts for all of its alerts, as a worker writes them. */
export async function deliver(
  store: FolderStore,
  ledgers: FolderLedgers,
  file: Awaited<ReturnType<typeof readFile>>,
): Promise<void> {
  for await (const chunk of chunksOf(store, file)) {
    const lines = (await readChunk(store, chunk)).map(({ line }) => line);
    const scope = rangeScope(lines[0]!, lines.at(-1)!);
    const ledger = await ledgers.open(chunk, { round: 1, scope, parseKey: file.parseKey, durable: true });
    await ledger.announce(lines);
    for (const line of lines) ledger.record('d', line, 200, 1);
    await ledger.close();
  }
}
