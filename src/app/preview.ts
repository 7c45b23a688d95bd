/**
 * What a file would come to, without sending anything or leaving anything behind: it is read as a delivery would read it, to its end, once. Needs
 * no Temporal; what was delivered before is told by the home, if there is one. Rows that an earlier file has delivered (mended rows, once a
 * message) are found only when the file is sent.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Settings } from '../config/settings.ts';
import type { FileCounts } from '../domain/counts.ts';
import { NO_COUNTS } from '../domain/counts.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import { PACE_FRACTION } from '../domain/endpoint.ts';
import { Fault, FileRefusal } from '../domain/failure.ts';
import type { ParseOptions } from '../domain/parse-options.ts';
import type { Schedule } from '../domain/restraint/schedule.ts';
import { standingOf } from '../domain/restraint/schedule.ts';
import { refusedFor } from '../domain/rows/max-invalid.ts';
import { noValidRowText, tooManyInvalidText } from '../domain/rows/words.ts';
import { shownRequest } from '../endpoint/shown-request.ts';
import type { DetectedFormat } from '../formats/detect.ts';
import { detectFormat, unsupportedFile } from '../formats/detect.ts';
import { gunzip } from '../formats/gunzip.ts';
import type { RowSink } from '../formats/row-reader.ts';
import type { RowsRead } from '../formats/rows.ts';
import { readRows } from '../formats/rows.ts';
import { SuppressionLists } from '../formats/suppression-list.ts';
import { fileTooLarge } from '../intake/stage.ts';
import type { DeliveredBefore } from './delivered-before.ts';
import { deliveredBefore } from './delivered-before.ts';
import { missingFile } from './missing-file.ts';
import type { DuplicateRow, InvalidRow, SuppressedRow } from './preview-sink.ts';
import { PreviewSink } from './preview-sink.ts';

const BLOCK_BYTES = 512 * 1024;

export interface FilePreview {
  readonly file: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly endpoint: string | null;
  readonly counts: FileCounts;
  /** How it was read. `columns`: those of a CSV, counted from 1; null: none were found, or it is no CSV. */
  readonly found: {
    readonly format: ParseOptions['format'];
    readonly gzip: boolean;
    readonly encoding: string;
    readonly separator: string | null;
    readonly columns: { readonly count: number; readonly userId: number; readonly alertMessage: number } | null;
  };
  /** Nothing of it would be sent, and why; null: it would. */
  readonly refused: { readonly code: string; readonly line: number | null; readonly message: string } | null;
  /** The first ones, as they would go out, secrets aside. */
  readonly requests: readonly string[];
  /** The first ones. */
  readonly invalidRows: readonly InvalidRow[];
  readonly duplicateRows: readonly DuplicateRow[];
  /** Those of users on a suppression list. */
  readonly suppressedRows: readonly SuppressedRow[];
  /** Rows that mend rows of earlier files (`wdsOrigin`). */
  readonly mendedRows: number;
  /** How long sending takes at the configured rate; null: there is none. */
  readonly seconds: number | null;
  readonly before: readonly DeliveredBefore[];
  /** When it is sent, if it was submitted now: at once, from a time on (ISO 8601), or not any more. `why`: in words; null: at once. */
  readonly when: { readonly from: string | null; readonly late: boolean; readonly why: string | null };
}

/** Throws Faults `config` (a suppression list), `not_found`, `unsupported_file`, `file_refused` (it cannot be read). A file that would be refused is told as such. `file`: what it is called, where that is not its path. */
export async function previewFile(path: string, settings: Settings, file = path): Promise<FilePreview> {
  const kind = detectFormat(basename(file));
  if (kind === undefined) throw unsupportedFile(file);
  const tooLarge = fileTooLarge(
    basename(file),
    (await stat(path).catch(() => undefined))?.size ?? 0,
    settings.maxFileBytes,
  );
  if (tooLarge !== undefined) throw tooLarge;
  const endpoint = settings.endpoint;
  const paths = [settings.suppressFile, settings.statedDelivery.suppressFile].filter((path) => path !== undefined);
  const sink = new PreviewSink(await new SuppressionLists().of(paths), settings.parse.columns);
  const { sha256, sizeBytes, read, refusal } = await readAll(path, kind, settings, sink);
  const counts = refusal === undefined ? sink.counts() : NO_COUNTS;
  const before = await deliveredBefore(settings, sha256);
  const own = before.find((delivery) => delivery.endpoint === endpoint?.name);
  const left = Math.max(0, counts.pending - (own?.delivered ?? 0));
  return {
    file,
    sha256,
    sizeBytes,
    endpoint: endpoint?.name ?? null,
    counts,
    found: foundIn(kind, read),
    refused: refusalOf(counts, refusal, settings.statedDelivery.maxInvalid),
    requests: refusal === undefined ? requestsOf(sink, endpoint, sha256) : [],
    invalidRows: sink.invalidRows,
    duplicateRows: sink.duplicateRows,
    suppressedRows: sink.suppressedRows,
    mendedRows: sink.mended,
    seconds: typeof endpoint?.rate === 'number' ? left / (endpoint.rate * PACE_FRACTION) : null,
    before,
    when: whenOf(settings.delivery.schedule),
  };
}

function whenOf(schedule: Schedule | undefined): FilePreview['when'] {
  const standing = standingOf(schedule, Date.now());
  if (standing.kind === 'open') return { from: null, late: false, why: null };
  const from = standing.kind === 'closed' ? new Date(standing.opensMs).toISOString() : null;
  return { from, late: standing.kind === 'late', why: standing.text };
}

interface WholeFile {
  readonly sha256: string;
  readonly sizeBytes: number;
  /** undefined: it was refused before that. */
  readonly read: RowsRead | undefined;
  readonly refusal: FileRefusal | undefined;
}

async function readAll(
  file: string,
  { format, gzip }: DetectedFormat,
  { parse, maxExpandedBytes }: Settings,
  sink: RowSink,
): Promise<WholeFile> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const source = createReadStream(await regularFile(file), { highWaterMark: BLOCK_BYTES });
  const blocks = async function* (): AsyncGenerator<Buffer> {
    for await (const block of source as AsyncIterable<Buffer>) {
      hash.update(block);
      sizeBytes += block.length;
      yield block;
    }
  };
  const bytes = blocks();
  let read: RowsRead | undefined;
  let refusal: FileRefusal | undefined;
  try {
    read = await readRows({
      source: gzip ? gunzip(bytes, { maxExpandedBytes }) : bytes,
      parse: { ...parse, format },
      cursor: null,
      rowLimit: Number.MAX_SAFE_INTEGER,
      sink,
      afterPiece: async () => undefined,
    });
  } catch (error) {
    if (!(error instanceof FileRefusal)) throw error;
    refusal = error;
  } finally {
    source.destroy();
  }
  return { sha256: refusal === undefined ? hash.digest('hex') : await hashOf(file), sizeBytes, read, refusal };
}

async function regularFile(file: string): Promise<string> {
  const stats = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw missingFile(file);
    throw new Fault('file_refused', `${file} cannot be read: ${error.message}`, 'Grant read permission.');
  });
  if (!stats.isFile()) throw new Fault('unsupported_file', `${file} is not a regular file`);
  return file;
}

/** Of a file that was not read to its end. */
async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const block of createReadStream(file)) hash.update(block as Buffer);
  return hash.digest('hex');
}

function foundIn({ format, gzip }: DetectedFormat, read: RowsRead | undefined): FilePreview['found'] {
  const { columns, encoding = 'utf-8' } = read ?? {};
  return {
    format,
    gzip,
    encoding,
    separator: columns === undefined ? null : (columns.separator ?? ','),
    columns:
      columns === undefined
        ? null
        : { count: columns.count, userId: columns.userId + 1, alertMessage: columns.alertMessage + 1 },
  };
}

function refusalOf(counts: FileCounts, refusal: FileRefusal | undefined, maxInvalid: number): FilePreview['refused'] {
  if (refusal !== undefined) return { code: refusal.code, line: refusal.line ?? null, message: refusal.message };
  const code = refusedFor(counts, maxInvalid);
  if (code === undefined) return null;
  const list = 'the list below';
  const message = code === 'no_valid_row' ? noValidRowText(counts, list) : tooManyInvalidText(counts, maxInvalid, list);
  return { code, line: counts.invalidReasons?.[0]?.firstLine ?? null, message };
}

const requestsOf = ({ first }: PreviewSink, endpoint: Endpoint | undefined, sha256: string): string[] =>
  first.map((alert) => (endpoint === undefined ? alert.body : shownRequest(endpoint, sha256, alert)));
