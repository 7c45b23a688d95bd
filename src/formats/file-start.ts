/**
 * What the first bytes of a file tell: how its text is encoded, and whether it is of another kind than its name says. A byte order mark is
 * believed before a setting; nothing else is guessed.
 */
import { FileRefusal } from '../domain/failure.ts';
import type { FileFormat } from '../domain/parse-options.ts';

/** Bytes that must be there, unless the file is shorter. */
export const START_BYTES = 1024;

export interface FileStart {
  /** As TextDecoder names it. */
  readonly encoding: string;
  /** Length of the byte order mark. */
  readonly markBytes: number;
}

const begins = (bytes: Buffer, ...start: readonly number[]): boolean => start.every((byte, at) => bytes[at] === byte);

/** `stated`: the setting. Throws FileRefusal('utf16' | 'utf32'). */
export function encodingAt(bytes: Buffer, stated: string | undefined): FileStart {
  if (begins(bytes, 0xef, 0xbb, 0xbf)) return { encoding: 'utf-8', markBytes: 3 };
  if (begins(bytes, 0xff, 0xfe, 0, 0) || begins(bytes, 0, 0, 0xfe, 0xff)) {
    throw new FileRefusal('utf32', 'The file is UTF-32. Save it as UTF-8 and drop it again.', 1);
  }
  if (begins(bytes, 0xff, 0xfe)) return { encoding: 'utf-16le', markBytes: 2 };
  if (begins(bytes, 0xfe, 0xff)) return { encoding: 'utf-16be', markBytes: 2 };
  if (stated !== undefined) return { encoding: stated, markBytes: 0 };
  // Every second byte of the first two ASCII characters is zero.
  const [a, b, c, d] = bytes;
  const littleEndian = Boolean(a) && b === 0 && Boolean(c) && d === 0;
  const bigEndian = a === 0 && Boolean(b) && c === 0 && Boolean(d);
  if (littleEndian || bigEndian) {
    const name = littleEndian ? 'utf-16le' : 'utf-16be';
    const nextStep = `Save it as UTF-8, or read it with \`parse.encoding: ${name}\` (\`--encoding ${name}\`).`;
    throw new FileRefusal('utf16', `The file looks like UTF-16 without a byte order mark. ${nextStep}`, 1);
  }
  return { encoding: 'utf-8', markBytes: 0 };
}

interface Kind {
  readonly is: (bytes: Buffer, text: string) => boolean;
  readonly refusal: string;
}

const magic =
  (...start: readonly number[]) =>
  (bytes: Buffer): boolean =>
    begins(bytes, ...start);
const ascii = (start: string): ((bytes: Buffer) => boolean) => magic(...Buffer.from(start));
const EXPORT = 'Export it as CSV (UTF-8) and drop that.';

const BINARY_KINDS: readonly Kind[] = [
  {
    is: magic(0x1f, 0x8b),
    refusal:
      'compressed by gzip. Name it with .gz at its end (.csv.gz); if it is, it was compressed twice: expand it once',
  },
  { is: isWorkbook, refusal: `an Excel workbook (.xlsx). ${EXPORT}` },
  {
    is: ascii('PK\x03\x04'),
    refusal: `a ZIP archive, or a spreadsheet's document. Take the file out of it, or export it as CSV`,
  },
  {
    is: magic(0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1),
    refusal: `an Excel workbook (.xls), or another Office document. ${EXPORT}`,
  },
  { is: ascii('%PDF-'), refusal: 'a PDF document. Drop the data that it was made of' },
  { is: magic(0x28, 0xb5, 0x2f, 0xfd), refusal: 'compressed by zstd. Expand it, or compress it by gzip' },
  { is: magic(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0), refusal: 'compressed by xz. Expand it, or compress it by gzip' },
  {
    is: (bytes) => ascii('BZh')(bytes) && begins(bytes.subarray(4), 0x31, 0x41, 0x59, 0x26),
    refusal: 'compressed by bzip2. Expand it, or compress it by gzip',
  },
  { is: magic(0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c), refusal: 'a 7z archive. Take the file out of it' },
  { is: ascii('Rar!'), refusal: 'a RAR archive. Take the file out of it' },
  { is: ascii('PAR1'), refusal: 'a Parquet file. Export it as CSV or NDJSON' },
  { is: ascii('SQLite format 3\0'), refusal: 'an SQLite database. Export the table as CSV' },
  { is: ascii('{\\rtf'), refusal: 'an RTF document. Save it as plain text' },
];

const TEXT_KINDS: readonly Kind[] = [
  {
    is: (_, text) => /^<(!doctype html|html|head|body)\b/i.test(text),
    refusal: 'an HTML page: most likely the export has failed, or asks to sign in. Look at it, and export again',
  },
  { is: (_, text) => /^<(\?xml|[a-z][\w:-]*[\s>])/i.test(text), refusal: 'XML. Export it as CSV, NDJSON or JSON' },
];

/** A workbook is a ZIP archive, in which this is the first or second file. */
function isWorkbook(bytes: Buffer): boolean {
  return ascii('PK\x03\x04')(bytes) && (bytes.includes('[Content_Types].xml') || bytes.includes('xl/'));
}

/** JSON in a CSV, CSV in a JSON, lines in a file for an array, and an array in a file for lines. */
function otherFormat(text: string, format: FileFormat): string | undefined {
  const isArray = /^\[\s*[{\]]/.test(text);
  const isObject = /^\{\s*["}]/.test(text);
  if (format === 'csv' && isArray) return 'JSON. Name it .json';
  if (format === 'csv' && isObject)
    return 'JSON. Name it .ndjson if each line is an object; else make it an array, and name it .json';
  if (format === 'ndjson' && isArray) return 'a JSON array. Name it .json';
  const isCsv = /^[^\n\r]+[,;\t|][^\n\r]+[\r\n]/.test(text) && !/^\s*[{[]/m.test(text);
  if (format !== 'csv' && isCsv) return 'CSV. Name it .csv';
  return undefined;
}

/** `text`: the start of the file, decoded. Throws FileRefusal('other_kind'). */
export function refuseOtherKind(bytes: Buffer, text: string, format: FileFormat): void {
  const start = text.trimStart();
  const kind = [...BINARY_KINDS, ...TEXT_KINDS].find(({ is }) => is(bytes, start));
  const refusal = kind?.refusal ?? otherFormat(start, format);
  if (refusal === undefined) return;
  const named = { csv: 'CSV', ndjson: 'NDJSON', json: 'JSON' }[format];
  const end = refusal.endsWith('.') ? '' : '.';
  throw new FileRefusal('other_kind', `The file is named as ${named}, but its content is ${refusal}${end}`, 1);
}
