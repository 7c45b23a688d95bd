/**
 * Finds the rows of a piece in a sorted object of rows. Many of them: the object is read through, in one go. Few: where one must be is
 * reckoned from its hash, for hashes are spread evenly, and some two or three blocks are read.
 */
import type { Store } from '../store.ts';
import type { RowPiece } from './row-pieces.ts';
import { ENTRY_BYTES, ENTRY_WORDS, entryBlocks, wordsOf } from './row-pieces.ts';

/** A look into an object costs about as much as reading so much of it. */
const LOOK_BYTES = 128 * 1024;
const BLOCK_ENTRIES = 512;
/** Then the middle is taken: hashes that are not spread evenly must not cost more than halving does. */
const GUESSES = 6;

/** `row`: its place in the piece. */
export type OnMatch = (row: number, number: number, line: number) => void;

export async function findRows(store: Store, key: string, piece: RowPiece, onMatch: OnMatch): Promise<void> {
  const bytes = await store.size(key);
  if (bytes === undefined) throw new RowsGone(key);
  if (piece.rows * LOOK_BYTES >= bytes) {
    const walk = new Walk(piece, onMatch);
    for await (const block of entryBlocks(store.readFrom(key, 0))) walk.through(block);
    return;
  }
  for (let row = 0; row < piece.rows; row++) await look(store, key, bytes / ENTRY_BYTES, piece, row, onMatch);
}

/** Somebody has merged it meanwhile. */
export class RowsGone extends Error {
  constructor(key: string) {
    super(`${key} is not there any more`);
    this.name = 'RowsGone';
  }
}

/** One object, block after block. */
class Walk {
  readonly #piece: RowPiece;
  readonly #onMatch: OnMatch;
  /** Rows before this one have smaller hashes than all that is to come. */
  #row = 0;

  constructor(piece: RowPiece, onMatch: OnMatch) {
    this.#piece = piece;
    this.#onMatch = onMatch;
  }

  through(block: Uint32Array): void {
    const { rows, words } = this.#piece;
    const entries = block.length / ENTRY_WORDS;
    let from = 0;
    for (let row = this.#row; row < rows; row++) {
      const at = row * ENTRY_WORDS;
      const [high, low] = [words[at]!, words[at + 1]!];
      from = lowerBound(block, from, high, low);
      // What comes next may have the hash of this row, and of those before it.
      if (from === entries) return;
      for (let entry = from; entry < entries && isHash(block, entry, high, low); entry++) {
        this.#onMatch(row, block[entry * ENTRY_WORDS + 2]!, block[entry * ENTRY_WORDS + 3]!);
      }
      if (!isHash(block, entries - 1, high, low)) this.#row = row + 1;
    }
  }
}

async function look(
  store: Store,
  key: string,
  entries: number,
  { words }: RowPiece,
  row: number,
  onMatch: OnMatch,
): Promise<void> {
  const at = row * ENTRY_WORDS;
  const [high, low] = [words[at]!, words[at + 1]!];
  const read = async (first: number, last: number): Promise<Uint32Array> =>
    wordsOf(await store.readRange(key, first * ENTRY_BYTES, last * ENTRY_BYTES));
  let [from, to] = [0, entries];
  let [fromHash, toHash] = [0, 2 ** 32];
  for (let guess = 0; from < to; guess++) {
    const share = guess < GUESSES ? (high - fromHash + 0.5) / (toHash - fromHash + 1) : 0.5;
    const middle = from + Math.floor(Math.min(1, Math.max(0, share)) * (to - from));
    const first = Math.min(Math.max(from, middle - BLOCK_ENTRIES / 2), Math.max(from, to - BLOCK_ENTRIES));
    const last = Math.min(to, first + BLOCK_ENTRIES);
    const block = await read(first, last);
    const bound = lowerBound(block, 0, high, low);
    if (bound === last - first) [from, fromHash] = [last, block.at(-ENTRY_WORDS)!];
    else if (bound === 0 && first > from) [to, toHash] = [first, block[0]!];
    else from = to = first + bound;
  }
  while (from < entries) {
    const block = await read(from, Math.min(entries, from + BLOCK_ENTRIES));
    let entry = 0;
    for (; entry * ENTRY_WORDS < block.length && isHash(block, entry, high, low); entry++) {
      onMatch(row, block[entry * ENTRY_WORDS + 2]!, block[entry * ENTRY_WORDS + 3]!);
    }
    if (entry * ENTRY_WORDS < block.length) return;
    from += entry;
  }
}

/** The first entry, not before `from`, whose hash is not smaller. */
function lowerBound(block: Uint32Array, from: number, high: number, low: number): number {
  let [first, last] = [from, block.length / ENTRY_WORDS];
  while (first < last) {
    const middle = (first + last) >>> 1;
    const at = middle * ENTRY_WORDS;
    if (block[at]! < high || (block[at] === high && block[at + 1]! < low)) first = middle + 1;
    else last = middle;
  }
  return first;
}

const isHash = (block: Uint32Array, entry: number, high: number, low: number): boolean =>
  block[entry * ENTRY_WORDS] === high && block[entry * ENTRY_WORDS + 1] === low;
