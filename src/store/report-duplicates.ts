/** Once a message: the rows of a report that say what an earlier file has delivered. They are duplicates, listed with that file and line. */
import { csvRecord } from '../domain/csv-writer.ts';
import { parseRowName } from '../domain/ledger/row-names.ts';
import type { RowState } from '../domain/ledger/row-state.ts';
import type { ChunkRow } from './chunks.ts';
import { readWindow, userOf } from './chunks.ts';
import { readDeliveryRecord } from './delivery-record.ts';
import type { ReportWriter } from './report-shelf.ts';
import type { Store } from './store.ts';

const DUPLICATE_COLUMNS = ['line', 'firstLine', 'userId'];

/**
 * The columns of duplicates.csv. Where first rows may be in earlier files, those say in which: `firstFile` is its SHA-256, and empty where it is
 * the same file. A file mends others where it has `origins`, or duplicates `ofOriginals`.
 */
export async function duplicateColumns(
  store: Store,
  of: { readonly sha256: string; readonly parseKey: string },
  onceAMessage: boolean,
): Promise<string[]> {
  if (onceAMessage) return [...DUPLICATE_COLUMNS, 'firstFile', 'firstFileName'];
  for (let window = 1; ; window++) {
    const result = await readWindow(store, { ...of, window });
    if (result === undefined) return DUPLICATE_COLUMNS;
    if (result.origins > 0 || result.ofOriginals !== undefined) return [...DUPLICATE_COLUMNS, 'firstFile'];
    if (result.next === null) return DUPLICATE_COLUMNS;
  }
}

export class EarlierFiles {
  duplicates = 0;
  readonly #store: Store;
  readonly #endpoint: string;
  /** By SHA-256. */
  readonly #names = new Map<string, string>();

  constructor(store: Store, { endpoint }: { readonly endpoint: string }) {
    this.#store = store;
    this.#endpoint = endpoint;
  }

  /** The rows that are alerts of this file; the others are counted and listed. */
  async without(
    files: ReportWriter,
    rows: readonly ChunkRow[],
    states: ReadonlyMap<number, RowState>,
  ): Promise<readonly ChunkRow[]> {
    const alerts: ChunkRow[] = [];
    let text = '';
    for (const row of rows) {
      const first = parseRowName(states.get(row.line)?.duplicateOf ?? '');
      if (first === undefined) {
        alerts.push(row);
        continue;
      }
      this.duplicates++;
      const name = await this.#nameOf(first.sha256);
      text += csvRecord([row.line, first.line, userOf(row), first.sha256, name], { spreadsheet: true });
    }
    if (text !== '') await files.append('duplicates.csv', text);
    return alerts;
  }

  async #nameOf(sha256: string): Promise<string> {
    const known = this.#names.get(sha256);
    if (known !== undefined) return known;
    const name = (await readDeliveryRecord(this.#store, { sha256, endpoint: this.#endpoint }))?.fileName ?? '';
    this.#names.set(sha256, name);
    return name;
  }
}
