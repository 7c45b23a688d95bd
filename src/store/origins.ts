/**
 * Rows that mend rows of an earlier file (`failed.csv`, mended and dropped again). Each names its origin, `<sha256>:<line>`; this module
 * finds the origins' receipts. An origin that was never delivered to the endpoint, or does not exist, is no origin.
 */

import type { RowStates } from '../domain/ledger/row-state.ts';
import { parseKey } from '../domain/parse-options.ts';
import type { ChunkRow } from './chunks.ts';
import { missing, readChunk, readWindow } from './chunks.ts';
import { readDeliveryRecord } from './delivery-record.ts';
import type { ChunkOf } from './layout.ts';
import type { Store } from './store.ts';

/** A chunk, its receipts, and where its rows are. */
export interface PlacedChunk extends ChunkOf {
  readonly parseKey: string;
  readonly window: number;
}

/** A row and the chunk that its receipts belong to. */
export interface PlacedRow {
  readonly chunk: PlacedChunk;
  readonly row: ChunkRow;
}

/** All chunks of a file, in order. Throws ChunksMissing where one of the first `windows` windows is not there. */
export async function* chunksOf(
  store: Store,
  { windows = 0, ...file }: Omit<PlacedChunk, 'window' | 'chunk'> & { readonly windows?: number },
): AsyncGenerator<PlacedChunk> {
  for (let number = 1; ; number++) {
    const window = await readWindow(store, { ...file, window: number });
    if (window === undefined && number <= windows) throw await missing(store, file, `window ${number} of the file`);
    if (window === undefined) return;
    for (let chunk = window.firstChunk; chunk < window.firstChunk + window.chunks; chunk++) {
      yield { ...file, window: number, chunk };
    }
    if (window.next === null) return;
  }
}

/** Finds origins; keeps what it has read, since the rows of one file mostly mend rows of one other. */
export class OriginFinder {
  readonly #store: Store;
  readonly #endpoint: string;
  readonly #chunks = new Map<string, Promise<PlacedChunk[]>>();
  readonly #rows = new Map<string, Promise<ChunkRow[]>>();

  constructor(store: Store, endpoint: string) {
    this.#store = store;
    this.#endpoint = endpoint;
  }

  /**
   * The row whose place this one takes: its origin, or whichever row has taken the origin's place since. undefined: it names none that was
   * ever submitted to the endpoint, or one of another user, or itself owns the origin already and has been told so.
   */
  async owner(
    row: ChunkRow,
    { sha256 }: PlacedChunk,
    read: (of: ChunkOf) => Promise<RowStates>,
  ): Promise<PlacedRow | undefined> {
    const self = `${sha256}:${row.line}`;
    const seen = new Set([self]);
    let owner: PlacedRow | undefined;
    for (let name = row.origin; name !== undefined && name !== '' && !seen.has(name); ) {
      seen.add(name);
      const next: PlacedRow | undefined = await this.find(name);
      if (next === undefined || userOf(next.row) !== userOf(row)) break;
      owner = next;
      const movedTo = (await read(next.chunk)).get(next.row.line)?.movedTo;
      name = movedTo;
    }
    return owner;
  }

  /** The row's origin, that row's own origin, and so on: all rows of the same user whose place it may have taken. */
  async lineage(row: ChunkRow, { sha256 }: PlacedChunk): Promise<PlacedRow[]> {
    const rows: PlacedRow[] = [];
    const seen = new Set([`${sha256}:${row.line}`]);
    for (let name = row.origin; name !== undefined && !seen.has(name); ) {
      seen.add(name);
      const next: PlacedRow | undefined = await this.find(name);
      if (next === undefined || userOf(next.row) !== userOf(row)) break;
      rows.push(next);
      name = next.row.origin;
    }
    return rows;
  }

  async find(origin: string): Promise<PlacedRow | undefined> {
    const [sha256 = '', lineText = ''] = origin.split(':');
    const line = Number(lineText);
    const chunks = await this.#chunksOf(sha256);
    // Lines rise through a file: the last chunk that begins at or before the line is the only one that can hold it.
    let low = 0;
    let high = chunks.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      const first = (await this.#rowsOf(chunks[middle]!))[0];
      if (first !== undefined && first.line <= line) low = middle;
      else high = middle;
    }
    const chunk = chunks[low];
    if (chunk === undefined) return undefined;
    const row = (await this.#rowsOf(chunk)).find((candidate) => candidate.line === line);
    return row && { chunk, row };
  }

  #chunksOf(sha256: string): Promise<PlacedChunk[]> {
    let chunks = this.#chunks.get(sha256);
    if (chunks === undefined) {
      chunks = this.#listChunks(sha256);
      this.#chunks.set(sha256, chunks);
    }
    return chunks;
  }

  async #listChunks(sha256: string): Promise<PlacedChunk[]> {
    const record = await readDeliveryRecord(this.#store, { sha256, endpoint: this.#endpoint });
    if (record === undefined) return [];
    const chunks: PlacedChunk[] = [];
    const file = { sha256, endpoint: this.#endpoint, parseKey: parseKey(record.parse) };
    for await (const chunk of chunksOf(this.#store, file)) chunks.push(chunk);
    return chunks;
  }

  #rowsOf(chunk: PlacedChunk): Promise<ChunkRow[]> {
    const key = `${chunk.sha256}/${chunk.chunk}`;
    let rows = this.#rows.get(key);
    if (rows === undefined) {
      if (this.#rows.size >= MAX_CACHED_CHUNKS) this.#rows.clear();
      rows = readChunk(this.#store, chunk);
      this.#rows.set(key, rows);
    }
    return rows;
  }
}

const MAX_CACHED_CHUNKS = 64;

const userOf = ({ body }: ChunkRow): string => (JSON.parse(body) as { userId: string }).userId;
