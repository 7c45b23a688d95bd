/**
 * Files as the reader would have stored them: content, windows, chunks. They are packed here instead of parsed (the reader has tests of its own),
 * since a schedule of a few milliseconds cannot afford a parser; formats on disk are the real ones.
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { alertBody } from '../../src/domain/alert.ts';
import type { WindowResult } from '../../src/domain/contracts.ts';
import type { ParseOptions } from '../../src/domain/parse-options.ts';
import { DEFAULT_PARSE_OPTIONS, parseKey } from '../../src/domain/parse-options.ts';
import type { WindowFile } from '../../src/store/chunks.ts';
import { chunkLine } from '../../src/store/chunks.ts';
import { alertsKey, contentKey, fileKey, rejectsKey, windowKey } from '../../src/store/layout.ts';
import type { StagedFile } from '../../src/store/staged-file.ts';

export interface SimRow {
  /** '': an invalid row. A user that came before is a duplicate. */
  readonly userId: string;
  readonly alertMessage: string;
  /** `<sha256>:<line>` of the row that it mends. */
  readonly origin?: string;
}

export interface SimFile {
  readonly staged: StagedFile;
  readonly rows: readonly SimRow[];
  readonly content: Buffer;
}

/** Line of a row by its index: the header is line 1. */
const LINE_OF_FIRST_ROW = 2;

export function simFile(name: string, rows: readonly SimRow[]): SimFile {
  const withOrigins = rows.some((row) => row.origin !== undefined);
  const cells = rows.map(({ userId, alertMessage, origin = '' }) =>
    withOrigins ? `${userId},${alertMessage},${origin}` : `${userId},${alertMessage}`,
  );
  const content = Buffer.from(
    `userId,alertMessage${withOrigins ? ',wdsOrigin' : ''}\n${cells.map((row) => `${row}\n`).join('')}`,
  );
  const sha256 = createHash('sha256').update(content).digest('hex');
  const sizes = { sizeBytes: content.length, contentBytes: content.length };
  const stagedAt = '2026-01-05T08:00:00.000Z';
  return { staged: { sha256, name, format: 'csv', gzip: false, ...sizes, stagedAt }, rows, content };
}

/** The objects that staging leaves. */
export function stagedObjects({ staged, content }: SimFile): [string, Buffer][] {
  return [
    [contentKey(staged.sha256), content],
    [fileKey(staged.sha256), Buffer.from(`${JSON.stringify(staged, null, 2)}\n`)],
  ];
}

export const simParse = (chunkSize: number): ParseOptions => ({ ...DEFAULT_PARSE_OPTIONS, format: 'csv', chunkSize });

/** What reading its only window leaves, the window's commit last. */
export function windowObjects({ staged, rows }: SimFile, parse: ParseOptions): [string, Buffer][] {
  const { sha256 } = staged;
  const key = parseKey(parse);
  const seen = new Map<string, number>();
  const rejects: string[] = [];
  const alerts: string[] = [];
  let origins = 0;
  let duplicates = 0;
  rows.forEach(({ userId, alertMessage, origin }, index) => {
    const line = index + LINE_OF_FIRST_ROW;
    const firstLine = seen.get(userId);
    if (userId === '') {
      rejects.push(JSON.stringify({ kind: 'invalid', line, reason: 'missing_user_id', row: `,${alertMessage}` }));
    } else if (firstLine !== undefined) {
      duplicates++;
      rejects.push(JSON.stringify({ kind: 'duplicate', line, firstLine, userId }));
    } else {
      seen.set(userId, line);
      if (origin !== undefined) origins++;
      alerts.push(chunkLine(line, origin, alertBody(userId, alertMessage)));
    }
  });
  const pieces: Buffer[] = [];
  const chunks: WindowFile['chunks'][number][] = [];
  let offset = 0;
  for (let from = 0; from < alerts.length; from += parse.chunkSize) {
    const bytes = Buffer.from(alerts.slice(from, from + parse.chunkSize).join(''));
    chunks.push({ offset, length: bytes.length, crc32: crc32(bytes) });
    pieces.push(bytes);
    offset += bytes.length;
  }
  const result: WindowResult = {
    window: 1,
    rows: rows.length,
    alerts: alerts.length,
    invalid: rejects.length - duplicates,
    duplicates,
    firstChunk: 1,
    chunks: chunks.length,
    lastChunkAlerts: alerts.length === 0 ? 0 : ((alerts.length - 1) % parse.chunkSize) + 1,
    origins,
    next: null,
  };
  const file: WindowFile = { cursor: null, result, chunks, rejects: rejects.length, seen: null };
  return [
    [alertsKey(sha256, key, 1), Buffer.concat(pieces)],
    [rejectsKey(sha256, key, 1), Buffer.from(rejects.map((reject) => `${reject}\n`).join(''))],
    [windowKey(sha256, key, 1), Buffer.from(`${JSON.stringify(file)}\n`)],
  ];
}
