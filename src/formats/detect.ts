/** Which files wds reads, told by their names alone. The content is not looked at: a wrong extension is refused by the reader. */
import { Fault } from '../domain/failure.ts';
import type { FileFormat } from '../domain/parse-options.ts';

export interface DetectedFormat {
  readonly format: FileFormat;
  readonly gzip: boolean;
}

const FORMAT_OF_EXTENSION: Readonly<Record<string, FileFormat>> = {
  csv: 'csv',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  json: 'json',
};

/** `Users.CSV.gz` → {format: 'csv', gzip: true}; undefined: not a kind of file that wds reads. */
export function detectFormat(fileName: string): DetectedFormat | undefined {
  const match = /[^/\\]\.([a-z]+)(\.gz)?$/i.exec(fileName);
  const extension = match?.[1]?.toLowerCase() ?? '';
  if (!Object.hasOwn(FORMAT_OF_EXTENSION, extension)) return undefined;
  const format = FORMAT_OF_EXTENSION[extension];
  return format === undefined ? undefined : { format, gzip: match?.[2] !== undefined };
}

export function unsupportedFile(file: string): Fault {
  return new Fault(
    'unsupported_file',
    `${file} is not a kind of file that wds reads`,
    'Give it one of the extensions .csv, .ndjson, .jsonl, .json, each also with .gz.',
  );
}
