/** Merges sorted objects of rows into one, as a stream: memory is a block for each source. */
import { ENTRY_WORDS } from './row-pieces.ts';

/** Rows of one object. `number`: of the file, where the object is a single file's and does not say it. */
export interface RowSource {
  readonly number: number | undefined;
  readonly blocks: AsyncIterator<Uint32Array>;
}

const OUT_ENTRIES = 16 * 1024;

/** `keep`: whether a row is to be in what comes out. */
export async function* mergeRows(
  sources: readonly RowSource[],
  keep: (number: number, line: number) => boolean,
): AsyncGenerator<Buffer> {
  const heap: Cursor[] = [];
  for (const source of sources) {
    const cursor = new Cursor(source);
    if (await cursor.fill()) push(heap, cursor);
  }
  let out = new Uint32Array(OUT_ENTRIES * ENTRY_WORDS);
  let at = 0;
  for (let first = heap[0]; first !== undefined; first = heap[0]) {
    const { number, line } = first;
    if (keep(number, line)) {
      out[at] = first.high;
      out[at + 1] = first.low;
      out[at + 2] = number;
      out[at + 3] = line;
      at += ENTRY_WORDS;
    }
    if (at === out.length) {
      yield Buffer.from(out.buffer);
      out = new Uint32Array(OUT_ENTRIES * ENTRY_WORDS);
      at = 0;
    }
    if (first.next() || (await first.fill())) sink(heap);
    else pop(heap);
  }
  if (at > 0) yield Buffer.from(out.buffer, 0, at * 4);
}

/** Where the reading of a source has got to. */
class Cursor {
  high = 0;
  low = 0;
  number = 0;
  line = 0;
  readonly #source: RowSource;
  #block: Uint32Array = new Uint32Array(0);
  #at = 0;

  constructor(source: RowSource) {
    this.#source = source;
  }

  /** The next row of the block; false: it is at its end. */
  next(): boolean {
    const [block, at] = [this.#block, this.#at];
    if (at >= block.length) return false;
    this.high = block[at]!;
    this.low = block[at + 1]!;
    this.number = this.#source.number ?? block[at + 2]!;
    this.line = block[at + 3]!;
    this.#at = at + ENTRY_WORDS;
    return true;
  }

  /** The first row of the next block; false: there is none. */
  async fill(): Promise<boolean> {
    const { done, value } = await this.#source.blocks.next();
    if (done) return false;
    [this.#block, this.#at] = [value, 0];
    return this.next();
  }
}

const isBefore = (a: Cursor, b: Cursor): boolean => (a.high !== b.high ? a.high < b.high : a.low < b.low);

function push(heap: Cursor[], cursor: Cursor): void {
  heap.push(cursor);
  for (let at = heap.length - 1; at > 0; ) {
    const above = (at - 1) >> 1;
    if (!isBefore(heap[at]!, heap[above]!)) return;
    [heap[at], heap[above]] = [heap[above]!, heap[at]!];
    at = above;
  }
}

function pop(heap: Cursor[]): void {
  const last = heap.pop()!;
  if (heap.length === 0) return;
  heap[0] = last;
  sink(heap);
}

/** The first one has changed. */
function sink(heap: Cursor[]): void {
  for (let at = 0; ; ) {
    const left = 2 * at + 1;
    const right = left + 1;
    let least = at;
    if (left < heap.length && isBefore(heap[left]!, heap[least]!)) least = left;
    if (right < heap.length && isBefore(heap[right]!, heap[least]!)) least = right;
    if (least === at) return;
    [heap[at], heap[least]] = [heap[least]!, heap[at]!];
    at = least;
  }
}
