/**
 * What the three formats share about bytes and text: the encoding at the start of a file, and where physical lines end.
 * A line ends in LF, CRLF or a lone CR, mixed as they come. U+2028, U+2029, NEL and the like are text.
 */
import { FileRefusal } from '../domain/failure.ts';

export const LF = 10;
export const CR = 13;

/** Bytes that `textStart` must see, unless the file is shorter. */
export const ENCODING_BYTES = 4;

const NEXT_STEP = 'Save the file as UTF-8 and drop it again.';

/** Length of the UTF-8 byte order mark, 0 without one. Throws FileRefusal('utf16' | 'utf32'): never guessed, never converted. */
export function textStart(bytes: Buffer): number {
  const [a, b, c, d] = [bytes[0], bytes[1], bytes[2], bytes[3]];
  if (a === 0xef && b === 0xbb && c === 0xbf) return 3;
  if ((a === 0xff && b === 0xfe && c === 0 && d === 0) || (a === 0 && b === 0 && c === 0xfe && d === 0xff)) {
    throw new FileRefusal('utf32', `The file is UTF-32, not UTF-8. ${NEXT_STEP}`, 1);
  }
  if (a === 0xff && b === 0xfe)
    throw new FileRefusal('utf16', `The file is UTF-16 (little endian), not UTF-8. ${NEXT_STEP}`, 1);
  if (a === 0xfe && b === 0xff)
    throw new FileRefusal('utf16', `The file is UTF-16 (big endian), not UTF-8. ${NEXT_STEP}`, 1);
  // Without a mark: every second byte of the first two ASCII characters is zero.
  const littleEndian = Boolean(a) && b === 0 && Boolean(c) && d === 0;
  const bigEndian = a === 0 && Boolean(b) && c === 0 && Boolean(d);
  if (littleEndian || bigEndian) {
    throw new FileRefusal('utf16', `The file looks like UTF-16 without a byte order mark, not UTF-8. ${NEXT_STEP}`, 1);
  }
  return 0;
}

/** Offset just behind the last line end, 0 where there is none. Up to there no character is cut in two. */
export function lastLineEnd(bytes: Buffer): number {
  return Math.max(bytes.lastIndexOf(LF), bytes.lastIndexOf(CR)) + 1;
}

/** Line ends in bytes from … to (exclusive). CRLF is one, and must not be cut at `to`. */
export function countLineEnds(bytes: Buffer, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) {
    const byte = bytes[at];
    if (byte === LF || (byte === CR && bytes[at + 1] !== LF)) count++;
  }
  return count;
}

/** `end` without the line end before it. */
export function trimLineEnd(bytes: Buffer, start: number, end: number): number {
  let at = end;
  if (at > start && bytes[at - 1] === LF) at--;
  if (at > start && bytes[at - 1] === CR) at--;
  return at;
}
