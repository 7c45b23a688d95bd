/**
 * The rows of a file as the index keeps them: 16 bytes each, in this machine's byte order (as `.seen` is), sorted: the first 64 bits of the
 * SHA-256 of the body, which is all that the receiver gets, the number of the file (0: one that has its own object), and the line. In pieces,
 * so that memory is bounded however long the file is.
 */
import { hash } from 'node:crypto';
import { readChunk } from '../chunks.ts';
import type { PlacedChunk } from '../origins.ts';
import { chunksOf } from '../origins.ts';
import type { Store } from '../store.ts';

export const ENTRY_WORDS = 4;
export const ENTRY_BYTES = ENTRY_WORDS * 4;
/** A piece ends with the chunk in which it has this many rows. */
const PIECE_ROWS = 262_144;

export interface RowPiece {
  readonly rows: number;
  /** ENTRY_WORDS a row, sorted. */
  readonly words: Uint32Array<ArrayBuffer>;
  readonly chunks: readonly PlacedChunk[];
}

/** A file that was read: what is not there is missing. */
export const ALL_WINDOWS = Number.POSITIVE_INFINITY;

/** The file that rows belong to. */
export type RowsOf = Omit<PlacedChunk, 'window' | 'chunk'> & { readonly windows?: number };

/** All alerts of a file. Throws ChunksMissing. */
export async function* rowPiecesOf(store: Store, file: RowsOf): AsyncGenerator<RowPiece> {
  let gathered = new Gathered();
  for await (const chunk of chunksOf(store, file)) {
    for (const { line, body } of await readChunk(store, chunk)) gathered.add(line, body);
    gathered.chunks.push(chunk);
    if (gathered.size < PIECE_ROWS) continue;
    yield gathered.sorted();
    gathered = new Gathered();
  }
  if (gathered.chunks.length > 0) yield gathered.sorted();
}

/** Three words a row: two of the hash of its body, and its line. */
class Gathered {
  readonly chunks: PlacedChunk[] = [];
  size = 0;
  #words = new Uint32Array(1_024 * 3);

  add(line: number, body: string): void {
    if ((this.size + 1) * 3 > this.#words.length) {
      const longer = new Uint32Array(this.#words.length * 2);
      longer.set(this.#words);
      this.#words = longer;
    }
    // As text: a buffer for each of millions of rows would be far more to collect.
    const digest = hash('sha256', body, 'binary');
    const at = this.size++ * 3;
    this.#words[at] = wordIn(digest, 0);
    this.#words[at + 1] = wordIn(digest, 4);
    this.#words[at + 2] = line;
  }

  sorted(): RowPiece {
    const from = this.#words;
    const order = new Uint32Array(this.size);
    for (let row = 0; row < this.size; row++) order[row] = row * 3;
    order.sort((a, b) => from[a]! - from[b]! || from[a + 1]! - from[b + 1]! || from[a + 2]! - from[b + 2]!);
    const words = new Uint32Array(this.size * ENTRY_WORDS);
    order.forEach((at, row) => {
      words[row * ENTRY_WORDS] = from[at]!;
      words[row * ENTRY_WORDS + 1] = from[at + 1]!;
      words[row * ENTRY_WORDS + 3] = from[at + 2]!;
    });
    return { rows: this.size, words, chunks: this.chunks };
  }
}

const wordIn = (bytes: string, at: number): number =>
  bytes.charCodeAt(at) |
  (bytes.charCodeAt(at + 1) << 8) |
  (bytes.charCodeAt(at + 2) << 16) |
  (bytes.charCodeAt(at + 3) << 24);

/** Whole entries of a stored object, in pieces. */
export async function* entryBlocks(source: AsyncIterable<Buffer>): AsyncGenerator<Uint32Array> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of source) {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    const whole = bytes.length - (bytes.length % ENTRY_BYTES);
    if (whole > 0) yield wordsOf(bytes.subarray(0, whole));
    rest = bytes.subarray(whole);
  }
}

/** Without copying them where they lie at a whole word: an index is read through in gigabytes. */
export function wordsOf({ buffer, byteOffset, length }: Buffer): Uint32Array {
  if (byteOffset % 4 === 0) return new Uint32Array(buffer, byteOffset, length / 4);
  return new Uint32Array(buffer.slice(byteOffset, byteOffset + length));
}
