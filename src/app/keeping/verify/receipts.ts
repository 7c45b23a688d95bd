/** The receipts of a delivery: whether they can be read, fit the rows, and are all that the last report has counted. */
import pMap from 'p-map';
import { parseJournal } from '../../../domain/ledger/journal.ts';
import { parseKey } from '../../../domain/parse-options.ts';
import type { Content } from '../../../store/chunk-object.ts';
import type { DeliveryRecord } from '../../../store/delivery-record.ts';
import { parseBase } from '../../../store/folder-journals.ts';
import { deliveryPrefix, FIRST_PLACES_CHUNK, LATE, LEDGER, ledgerPrefix } from '../../../store/layout.ts';
import { reportFolderName } from '../../../store/report-shelf.ts';
import { newestRound } from '../../../store/rounds.ts';
import type { House } from '../house.ts';
import type { Findings } from './findings.ts';
import type { CheckedRows } from './rows.ts';

const RECEIPTS_LOST =
  'Send nothing of this file (wds pause, or stop the workers), and restore its receipts from a backup: without them users are alerted again.';

export async function checkReceipts(
  house: Pick<House, 'store' | 'ledgers' | 'reports' | 'parts'>,
  record: DeliveryRecord,
  rows: readonly CheckedRows[],
  findings: Findings,
): Promise<void> {
  const { store, ledgers, reports, parts } = house;
  const { sha256, endpoint, fileName } = record;
  const own = rows.find((reading) => reading.parseKey === parseKey(record.parse));
  const prefix = deliveryPrefix(record);
  await findings.guard(`${prefix}/rounds`, RECEIPTS_LOST, async () => void (await newestRound(store, record)));
  let delivered = 0;
  const folders = (await store.list(prefix)).filter((name) => /^\d{6,}$/.test(name)).map(Number);
  // Receipts of before chunks had folders are read with their chunks.
  const chunks = new Set([...folders, ...(own?.lines.keys() ?? [])]);
  const check = (chunk: number): Promise<void> => {
    const of = { sha256, endpoint, chunk };
    return findings.guard(ledgerPrefix(of), RECEIPTS_LOST, async () => {
      await checkJournals(house, ledgerPrefix(of), findings);
      const states = await ledgers.read(of);
      findings.looked.receipts += states.size;
      for (const { outcome, duplicateOf } of states.values())
        if (outcome === 'delivered' && duplicateOf === '') delivered++;
      if (chunk >= FIRST_PLACES_CHUNK) return;
      const lines = own?.lines.get(chunk);
      if (lines !== undefined) checkLines(ledgerPrefix(of), new Set(lines), states.keys(), findings);
      else if (own?.complete)
        findings.fault(ledgerPrefix(of), `there are receipts of chunk ${chunk}, and no such chunk`, FOREIGN);
    });
  };
  await pMap(chunks, check, { concurrency: parts.atOnce });
  const counted = (await reports.earlier(reportFolderName(fileName, sha256, endpoint)))?.delivered ?? 0;
  if (counted > delivered) {
    const found = `the report of ${endpoint} counts ${counted} delivered, and the receipts know of ${delivered}`;
    findings.fault(prefix, found, RECEIPTS_LOST);
  }
}

const FOREIGN =
  'Receipts and rows are of different readings of the file, or one of them was restored alone: restore both from the same backup. Send nothing of it until then.';

function checkLines(where: string, known: ReadonlySet<number>, lines: Iterable<number>, findings: Findings): void {
  const strange = [...lines].filter((line) => !known.has(line));
  if (strange.length === 0) return;
  findings.fault(
    where,
    `there are receipts of lines that the chunk does not have: ${strange.slice(0, 5).join(', ')}`,
    FOREIGN,
  );
}

/** A torn end is what a crash leaves; a beginning that is none is damage. */
async function checkJournals({ store }: Pick<House, 'store'>, prefix: string, findings: Findings): Promise<void> {
  for (const name of await store.list(prefix)) {
    const bytes = await store.get(`${prefix}/${name}`);
    if (bytes === undefined) continue;
    findings.looked.bytes += bytes.length;
    const text = bytes.toString('utf8');
    for (const journal of journalsIn(name, text)) {
      if (!journal.includes('\n') || parseJournal(journal, 1) !== undefined) continue;
      findings.fault(`${prefix}/${name}`, 'it does not begin as a journal does', RECEIPTS_LOST);
    }
  }
}

/** Throws where what stands beside them cannot be read. */
function journalsIn(name: string, text: string): readonly string[] {
  if (name.endsWith('.base')) parseBase(1, text);
  if (name === LEDGER) {
    return (JSON.parse(text) as Content).journals.map((journal) => journal.text);
  }
  return name.endsWith('.journal') || name.startsWith(LATE) ? [text] : [];
}
