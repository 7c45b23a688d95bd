/** Reads dropped bytes once, from their start, and hashes them on the way. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { failpoint } from '../failpoint.ts';

export const BLOCK_BYTES = 512 * 1024;

/** The next block, which its reader may keep; an empty one: the end. */
export type NextBlock = () => Promise<Buffer>;

/** Of an open file. */
export function nextBlockOf(handle: FileHandle): NextBlock {
  let position = 0;
  return async () => {
    const buffer = Buffer.allocUnsafe(BLOCK_BYTES);
    const { bytesRead } = await handle.read(buffer, 0, BLOCK_BYTES, position);
    position += bytesRead;
    return buffer.subarray(0, bytesRead);
  };
}

/** What a consumer leaves unread can still be drained into the hash. Reads take turns: a consumer that gave up may have one under way. */
export class HashingReader {
  readonly #next: NextBlock;
  readonly #hash = createHash('sha256');
  #sizeBytes = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(next: NextBlock) {
    this.#next = next;
  }

  async *blocks(): AsyncGenerator<Buffer> {
    for (;;) {
      const reading = this.#turn.then(() => this.#readBlock());
      this.#turn = reading.catch(() => undefined);
      const block = await reading;
      if (block.length === 0) return;
      failpoint('arrival.hashing');
      yield block;
    }
  }

  async #readBlock(): Promise<Buffer> {
    const block = await this.#next();
    this.#sizeBytes += block.length;
    if (block.length > 0) this.#hash.update(block);
    return block;
  }

  /** Reads on to the end; then size and SHA-256 of all bytes. Once only. */
  async finish(): Promise<{ readonly sizeBytes: number; readonly sha256: string }> {
    for await (const _ of this.blocks());
    return { sizeBytes: this.#sizeBytes, sha256: this.#hash.digest('hex') };
  }
}

export async function* counted(source: AsyncIterable<Buffer>, count: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const piece of source) {
    count(piece.length);
    yield piece;
  }
}
