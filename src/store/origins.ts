/**
 * Rows that mend rows of an earlier file (`failed.csv`, mended and dropped again). Each names its origin, `<sha256>:<line>`; this module
 * finds the origins' receipts. An origin that was never delivered to the endpoint, or does not exist, is no origin.
 */
import { parseKey } from '../domain/parse-options.ts';
import type { ChunkRow } from './chunks.ts';
import { readChunk, readWindow } from './chunks.ts';
import { readDeliveryRecord } from './delivery-record.ts';
import type { ReceiptsOf } from './receipts.ts';
import type { Store } from './store.ts';

export interface ChunkOf extends ReceiptsOf {
  readonly parseKey: string;
  readonly window: number;
}

/** A row and the chunk that its receipts belong to. */
export interface PlacedRow {
  readonly chunk: ChunkOf;
  readonly row: ChunkRow;
}

/** All chunks of a file, in order. */
export async function* chunksOf(store: Store, file: Omit<ChunkOf, 'window' | 'chunk'>): AsyncGenerator<ChunkOf> {
  for (let number = 1; ; number++) {
    const window = await readWindow(store, { ...file, window: number });
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
  readonly #chunks = new Map<string, Promise<ChunkOf[]>>();
  readonly #rows = new Map<string, Promise<ChunkRow[]>>();

  constructor(store: Store, endpoint: string) {
    this.#store = store;
    this.#endpoint = endpoint;
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

  #chunksOf(sha256: string): Promise<ChunkOf[]> {
    let chunks = this.#chunks.get(sha256);
    if (chunks === undefined) {
      chunks = this.#listChunks(sha256);
      this.#chunks.set(sha256, chunks);
    }
    return chunks;
  }

  async #listChunks(sha256: string): Promise<ChunkOf[]> {
    const record = await readDeliveryRecord(this.#store, sha256, this.#endpoint);
    if (record === undefined) return [];
    const chunks: ChunkOf[] = [];
    const file = { sha256, endpoint: this.#endpoint, parseKey: parseKey(record.parse) };
    for await (const chunk of chunksOf(this.#store, file)) chunks.push(chunk);
    return chunks;
  }

  #rowsOf(chunk: ChunkOf): Promise<ChunkRow[]> {
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
