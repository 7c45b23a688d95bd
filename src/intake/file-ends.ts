/** The two ends of a file that is about to be taken: how it begins, and whether it ends as a whole file does. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { DetectedFormat } from '../formats/detect.ts';

export interface FileEnds {
  /** Its first bytes, up to the first line end: of most CSV files the header. */
  readonly firstLine: string;
  /** False: it breaks off in mid-row, or so it seems. */
  readonly endsWithRow: boolean;
}

const HEAD_BYTES = 512;
const TAIL_BYTES = 64;
/** Zero padding (also the other half of a UTF-16 line end), and the Ctrl-Z of old programs. */
const PADDING = '\0\u001a';

/** undefined: it is gone, may not be read, or is compressed: what breaks off there is refused when it is expanded. */
export async function readEnds(path: string, kind: DetectedFormat): Promise<FileEnds | undefined> {
  if (kind.gzip) return undefined;
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const { size } = await handle.stat();
      const read = async (from: number, length: number): Promise<string> => {
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, from);
        return buffer.toString('latin1', 0, bytesRead);
      };
      const head = await read(0, HEAD_BYTES);
      const tail = size <= HEAD_BYTES ? head : await read(size - TAIL_BYTES, TAIL_BYTES);
      return { firstLine: /^[^\r\n]*/.exec(head)?.[0] ?? '', endsWithRow: endsWithRow(tail, kind) };
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}

/** CSV and NDJSON: with a line end; a JSON object and a JSON array also end with their brackets. */
function endsWithRow(tail: string, { format }: DetectedFormat): boolean {
  let end = tail.length;
  while (end > 0 && PADDING.includes(tail.charAt(end - 1))) end -= 1;
  const text = tail.slice(0, end).replaceAll('\0', '');
  if (text === '') return true;
  if (format === 'csv') return /[\r\n]$/.test(text);
  return (format === 'json' ? /\]\s*$/ : /[\r\n}]$/).test(text);
}
