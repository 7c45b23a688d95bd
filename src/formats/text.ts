/**
 * What the three formats share about bytes and text: where physical lines end, and what cannot be seen. A line ends in LF, CRLF or a lone CR, mixed as they come. U+2028, U+2029, NEL and the like are text.
 */
import { isUtf8 } from 'node:buffer';

export const LF = 10;
export const CR = 13;

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

const BLANK = /^[\s\p{Default_Ignorable_Code_Point}\u2800]*$/u;
/** What else stands in cells that hold nothing: NUL and Ctrl-Z pad files. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is meant.
const EMPTY_CELL = /^[\s\0\x1a\p{Default_Ignorable_Code_Point}\u2800]*$/u;
const OUTER_INVISIBLE = /^[\s\p{Default_Ignorable_Code_Point}]+|[\s\p{Default_Ignorable_Code_Point}]+$/gu;

/** Most texts begin with a letter or a digit. */
const isPlain = (code: number): boolean => code > 0x20 && code < 0x7f;

/** There is nothing to be seen in it: white space and invisible characters only, or nothing at all. */
export const isBlank = (text: string): boolean => !isPlain(text.charCodeAt(0)) && BLANK.test(text);
export const isEmptyCell = (text: string): boolean => !isPlain(text.charCodeAt(0)) && EMPTY_CELL.test(text);

/** Without white space and invisible characters at its ends. */
export const visible = (text: string): string => text.replace(OUTER_INVISIBLE, '');

export type LineEnd = 'lf' | 'crlf' | 'cr';

/** How the line ends that ends before `end`; undefined: it does not, the file ends there. */
export function lineEndBefore(bytes: Buffer, end: number): LineEnd | undefined {
  if (bytes[end - 1] === CR) return 'cr';
  if (bytes[end - 1] !== LF) return undefined;
  return bytes[end - 2] === CR ? 'crlf' : 'lf';
}

/**
 * Whether bytes that are not UTF-8 read as Windows-1252: each is a character there, and they stand alone or in twos among ASCII letters, as
 * the accents of western languages do. Text in other scripts has them in rows, and damaged UTF-8 has whole sequences of UTF-8 beside.
 */
export function looksLikeWindows1252(bytes: Buffer): boolean {
  let run = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    run = byte >= 0xc0 ? run + 1 : 0;
    if (run > 2 || UNUSED_IN_WINDOWS_1252.has(byte)) return false;
    // Signs, such as ³ and ¹, do not stand between letters; in other encodings there are letters in their place.
    if (byte >= 0xa1 && byte < 0xc0 && isLetter(bytes[at - 1]) && isLetter(bytes[at + 1])) return false;
    const follows = bytes[at + 1] ?? 0;
    if (byte >= 0xc2 && byte < 0xf5 && follows >= 0x80 && follows < 0xc0 && isUtf8At(bytes, at)) return false;
  }
  return true;
}

const UNUSED_IN_WINDOWS_1252: ReadonlySet<number> = new Set([0x81, 0x8d, 0x8f, 0x90, 0x9d]);
const isLetter = (byte: number | undefined): boolean =>
  byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;

function isUtf8At(bytes: Buffer, at: number): boolean {
  const first = bytes[at]!;
  return isUtf8(bytes.subarray(at, at + (first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4)));
}
