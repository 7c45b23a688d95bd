/**
 * Compressed chunks → expanded chunks. Several members are one stream. A file that is not gzip to its last byte is refused; only zero
 * bytes behind the last member are let pass, as padding. (zlib itself passes over whatever follows such padding in silence: perhaps users.)
 * The refusal tells a file that is cut off from one with something behind its gzip, and from one that is no gzip at all.
 */
import { createGunzip } from 'node:zlib';
import { FileRefusal } from '../domain/failure.ts';
import { errnoOf } from '../thrown.ts';

const GIB = 1024 ** 3;
const DEFAULT_MAX_EXPANDED_BYTES = 64 * GIB;

const NEXT_STEP = 'Compress the file again and drop it.';

export interface GunzipOptions {
  /** Beyond this the file is refused, before its expansion fills the disk. Default 64 GiB. */
  readonly maxExpandedBytes?: number;
}

/** Throws FileRefusal('bad_gzip' | 'expands_too_far'); errors of `source` come through as they are. */
export async function* gunzip(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: GunzipOptions = {},
): AsyncGenerator<Buffer> {
  const { maxExpandedBytes = DEFAULT_MAX_EXPANDED_BYTES } = options;
  const inflate = createGunzip({ chunkSize: 64 * 1024 });
  const ends = new FileEnds();
  const fed = feed(ends.watch(source), inflate);
  // A failure is met below, by way of the stream that it destroys; this only keeps it from being called unhandled.
  fed.catch((error) => inflate.destroy(error));
  let expandedBytes = 0;
  try {
    for await (const piece of inflate as AsyncIterable<Buffer>) {
      expandedBytes += piece.length;
      if (expandedBytes > maxExpandedBytes) throw expandsTooFar(maxExpandedBytes);
      yield piece;
    }
    await fed;
  } catch (error) {
    throw errnoOf(error)?.startsWith('Z_') ? badGzip(error as Error, ends, expandedBytes) : error;
  } finally {
    inflate.destroy();
  }
}

/** One chunk at a time, so that it is known which bytes zlib has left alone. */
async function feed(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  inflate: ReturnType<typeof createGunzip>,
): Promise<void> {
  let fedBytes = 0;
  let ended = false;
  for await (const chunk of source) {
    if (chunk.length === 0) continue;
    if (ended) {
      refuseUnlessPadding(chunk);
      continue;
    }
    fedBytes += chunk.length;
    await new Promise<void>((resolve, reject) => {
      inflate.write(chunk, (error) => (error ? reject(error) : resolve()));
    });
    const leftAloneBytes = fedBytes - inflate.bytesWritten;
    ended = leftAloneBytes > 0;
    if (ended) refuseUnlessPadding(chunk.subarray(chunk.length - leftAloneBytes));
  }
  if (!ended) inflate.end();
}

function refuseUnlessPadding(bytes: Uint8Array): void {
  if (bytes.every((byte) => byte === 0)) return;
  throw new FileRefusal('bad_gzip', `The gzip file has something behind its last member, after padding. ${NEXT_STEP}`);
}

/** The first and the last bytes of a file that went by. */
class FileEnds {
  first: Buffer = Buffer.alloc(0);
  last: Buffer = Buffer.alloc(0);

  async *watch(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      if (this.first.length < 2) this.first = Buffer.concat([this.first, chunk.subarray(0, 2)]);
      this.last = Buffer.concat([this.last, chunk.subarray(-LAST_BYTES)]).subarray(-LAST_BYTES);
      yield chunk;
    }
  }
}

/** A member ends with the length of what it expands to (RFC 1952); less than a member's header behind that is not known as such by zlib. */
const LENGTH_BYTES = 4;
const MEMBER_HEADER_BYTES = 10;
const LAST_BYTES = 32;

function endsBeforeItsEnd({ last }: FileEnds, expandedBytes: number): boolean {
  for (let behind = 1; behind <= MEMBER_HEADER_BYTES; behind++) {
    const at = last.length - behind - LENGTH_BYTES;
    if (at < 0 || expandedBytes === 0 || last.readUInt32LE(at) !== expandedBytes % 2 ** 32) continue;
    const behindIt = last.subarray(-behind);
    return !(behindIt[0] === 0x1f && behindIt[1] === 0x8b);
  }
  return false;
}

function badGzip(error: Error, ends: FileEnds, expandedBytes: number): FileRefusal {
  if (ends.first[0] !== 0x1f || ends.first[1] !== 0x8b) {
    return new FileRefusal(
      'bad_gzip',
      'The file is named as gzip (.gz) and is none. Name it as what it is, or compress it.',
    );
  }
  const isCut = /unexpected end/.test(error.message);
  const isFollowed = isCut ? endsBeforeItsEnd(ends, expandedBytes) : /header check|magic/.test(error.message);
  const what = isFollowed
    ? 'has something behind its end that is not gzip'
    : isCut
      ? 'is cut off: its last member is not whole'
      : `is damaged (${error.message})`;
  return new FileRefusal('bad_gzip', `The gzip file ${what}. ${NEXT_STEP}`);
}

function expandsTooFar(maxExpandedBytes: number): FileRefusal {
  const limit = maxExpandedBytes >= GIB ? `${Math.round(maxExpandedBytes / GIB)} GiB` : `${maxExpandedBytes} bytes`;
  return new FileRefusal(
    'expands_too_far',
    `The gzip file expands to more than ${limit}. Split it into several files.`,
  );
}
