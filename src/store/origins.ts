/**
 * Rows that mend rows of an earlier file (`failed.csv` or `invalid.csv`, mended and dropped again). Each names its origin, `<sha256>:<line>`; this
 * module finds the receipts of what it stands for.
 *
 * That is the row of that line, if it is an alert of the same user. Where it is none (it was invalid, or somebody else's) there is nothing in
 * the original that could have receipts; so that two files which mend the same row do not both send it, the two of line and user have a *place*
 * there: receipts that nobody sends from, and that whoever mends the row takes over.
 */

import { createHash } from 'node:crypto';
import { Fault, FileRefusal } from '../domain/failure.ts';
import { rowName } from '../domain/ledger/row-names.ts';
import { parseKey } from '../domain/parse-options.ts';
import type { ChunkRow } from './chunks.ts';
import { isForgotten, missing, readChunk, readRejects, readWindow, userOf } from './chunks.ts';
import { deliveriesOf, readDeliveryRecord } from './delivery-record.ts';
import type { ChunkOf } from './layout.ts';
import { FIRST_PLACES_CHUNK } from './layout.ts';
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
  /** `<sha256>:<line>` as people know it. */
  readonly name: string;
}

export function parseOrigin(name: string): { readonly sha256: string; readonly line: number } {
  const [sha256 = '', line = ''] = name.split(':');
  return { sha256, line: Number(line) };
}

/** Of places: line numbers are the same whatever the parse options. */
const ANY_OPTIONS = 'places';
const PLACES_A_CHUNK = 1_000;

export const isPlaces = ({ chunk }: ChunkOf): boolean => chunk >= FIRST_PLACES_CHUNK;

/** Rows that are near each other have places in the same receipts; in them a place is known by a number of 48 bits. */
function placeOf(of: { readonly sha256: string; readonly endpoint: string }, line: number, row: ChunkRow): PlacedRow {
  const chunk = FIRST_PLACES_CHUNK + Math.floor(line / PLACES_A_CHUNK);
  const number = createHash('sha256')
    .update(`${line}:${userOf(row)}`)
    .digest()
    .readUIntBE(0, 6);
  return {
    chunk: { ...of, chunk, parseKey: ANY_OPTIONS, window: 0 },
    row: { ...row, line: number, origin: undefined },
    name: rowName(of, line),
  };
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

/** What there is of a file; nothing of one that was never submitted to the endpoint. */
interface Layout {
  readonly parseKey: string;
  readonly windows: number;
  readonly chunks: readonly PlacedChunk[];
}

/** Finds origins; keeps what it has read, since the rows of one file mostly mend rows of one other. */
export class OriginFinder {
  readonly #store: Store;
  readonly #endpoint: string;
  readonly #layouts = new Map<string, Promise<Layout>>();
  readonly #rows = new Map<string, Promise<ChunkRow[]>>();
  /** Lines of invalid rows, by file. */
  readonly #invalid = new Map<string, Promise<Uint32Array>>();

  constructor(store: Store, endpoint: string) {
    this.#store = store;
    this.#endpoint = endpoint;
  }

  /** The row's origin, that row's own origin, and so on: all rows of the same user whose place it may have taken. */
  async lineage(row: ChunkRow, { sha256 }: PlacedChunk): Promise<PlacedRow[]> {
    const rows: PlacedRow[] = [];
    const seen = new Set([rowName({ sha256 }, row.line)]);
    for (let name = row.origin; name !== undefined && !seen.has(name); ) {
      seen.add(name);
      const next: PlacedRow | undefined = await this.standIn(name, row);
      if (next === undefined) break;
      rows.push(next);
      name = next.row.origin;
    }
    return rows;
  }

  /** Throws FileRefusal where the row names as its origin what this store, or this endpoint, does not know. */
  async check(row: ChunkRow): Promise<void> {
    const { origin } = row;
    if (origin !== undefined && (await this.standIn(origin, row)) === undefined) throw await this.#unknown(row, origin);
  }

  /** What a row that names this origin stands for; undefined: there is no such row. */
  async standIn(name: string, row: ChunkRow): Promise<PlacedRow | undefined> {
    const { sha256, line } = parseOrigin(name);
    const found = await this.find(name);
    // Whose row it was is forgotten; that this line was delivered is not.
    if (found !== undefined && (isForgotten(found.row) || userOf(found.row) === userOf(row))) return found;
    if (found === undefined && !(await this.#isInvalid(sha256, line))) return undefined;
    return placeOf({ sha256, endpoint: this.#endpoint }, line, row);
  }

  /** The alert of that name; undefined: there is none. */
  async find(name: string): Promise<PlacedRow | undefined> {
    const { sha256, line } = parseOrigin(name);
    const { chunks } = await this.#layoutOf(sha256);
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
    return row && { chunk, row, name };
  }

  async #isInvalid(sha256: string, line: number): Promise<boolean> {
    let lines = this.#invalid.get(sha256);
    if (lines === undefined) {
      lines = this.#invalidLines(sha256);
      this.#invalid.set(sha256, lines);
    }
    return isAmong(await lines, line);
  }

  async #invalidLines(sha256: string): Promise<Uint32Array> {
    const lines: number[] = [];
    const { windows, parseKey } = await this.#layoutOf(sha256);
    for (let window = 1; window <= windows; window++) {
      for await (const { kind, line } of readRejects(this.#store, { sha256, parseKey, window })) {
        if (kind === 'invalid') lines.push(line);
      }
    }
    return Uint32Array.from(lines);
  }

  async #unknown({ line: ownLine }: ChunkRow, origin: string): Promise<FileRefusal> {
    const { sha256, line } = parseOrigin(origin);
    const file = `${sha256.slice(0, 12)}…`;
    const endpoints = (await deliveriesOf(this.#store, sha256)).map(({ endpoint }) => endpoint);
    const what = endpoints.includes(this.#endpoint)
      ? `line ${line} of ${file}, which is neither an alert nor an invalid row`
      : endpoints.length > 0
        ? `a row of ${file}, a file that was delivered to endpoint ${endpoints.join(', ')} and not to ${this.#endpoint}`
        : `a row of ${file}, a file that this store does not know`;
    const next =
      'Drop it where the original was delivered, or empty that column: then each row is an alert of its own, also to a user who had one from the original.';
    const message = `The row on line ${ownLine} stands for (wdsOrigin) ${what}. ${next}`;
    return new FileRefusal('unknown_origin', message, ownLine);
  }

  #layoutOf(sha256: string): Promise<Layout> {
    let layout = this.#layouts.get(sha256);
    if (layout === undefined) {
      layout = this.#readLayout(sha256);
      this.#layouts.set(sha256, layout);
    }
    return layout;
  }

  async #readLayout(sha256: string): Promise<Layout> {
    const record = await readDeliveryRecord(this.#store, { sha256, endpoint: this.#endpoint });
    if (record === undefined) return { parseKey: '', windows: 0, chunks: [] };
    const chunks: PlacedChunk[] = [];
    const file = { sha256, endpoint: this.#endpoint, parseKey: parseKey(record.parse) };
    for (let window = 1; ; window++) {
      const result = await readWindow(this.#store, { ...file, window });
      if (result === undefined) throw rowsMissing(sha256);
      for (let chunk = 0; chunk < result.chunks; chunk++) {
        chunks.push({ ...file, window, chunk: result.firstChunk + chunk });
      }
      if (result.next === null) return { parseKey: file.parseKey, windows: window, chunks };
    }
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

/** `lines`: in rising order. */
function isAmong(lines: Uint32Array, line: number): boolean {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lines[middle]! < line) low = middle + 1;
    else high = middle;
  }
  return lines[low] === line;
}

const rowsMissing = (sha256: string): Fault =>
  new Fault(
    'store',
    `the rows of ${sha256.slice(0, 12)}…, which this file mends, are not in the store (any more)`,
    'They are read again when that file is retried or dropped again.',
  );
