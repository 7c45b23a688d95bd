/**
 * The beginning of a CSV: blank lines, perhaps a line `sep=;`, and the header. What it finds is what all windows go by. Without a header
 * the separator is a comma, unless another one is stated; a first row that says otherwise refuses the file. A report of wds (`failed.csv`) has a
 * header, also where files have none, and is known by it.
 */
import { FileRefusal } from '../domain/failure.ts';
import type { ParseOptions } from '../domain/parse-options.ts';
import { separatorName } from './csv-advice.ts';
import type { CsvColumns } from './csv-header.ts';
import { findColumns, HEADERLESS_COLUMNS, headerRefusal, isHeader, isReportHeader } from './csv-header.ts';
import { refusalOf, STRAY_QUOTE, TOO_LONG } from './csv-records.ts';
import type { FirstRecord } from './csv-separator.ts';
import { firstRecords, isBlankLine, SEPARATORS, separatorIn } from './csv-separator.ts';
import { CR, countLineEnds, LF, lineEndBefore, trimLineEnd } from './text.ts';

export interface CsvStart {
  /** Bytes that are done with. */
  readonly done: number;
  /** Behind them. */
  readonly line: number;
  /** Named by a line of its own. */
  readonly separator?: string | undefined;
  /** undefined: more bytes are needed. */
  readonly columns?: CsvColumns;
}

/** `from`: what an earlier look has found. Throws FileRefusal. */
export function findStart(bytes: Buffer, final: boolean, from: CsvStart, options: ParseOptions): CsvStart {
  const start = skipBlankLines(bytes, final, from, options);
  if (start.done === bytes.length && !final) return start;
  const { separator: stated = options.separator, done, line } = start;
  const rest = bytes.subarray(done);
  if (!options.header && (options.rules === undefined || rest.length === 0)) {
    return { ...start, columns: between(HEADERLESS_COLUMNS, stated) };
  }
  if (rest.length === 0) {
    const nextStep = 'Drop a file with at least the line that names the columns.';
    throw new FileRefusal('csv_empty', `The file is empty: it has not even a header line. ${nextStep}`, 1);
  }
  const candidates = stated !== undefined ? [stated] : options.rules === undefined ? [','] : SEPARATORS;
  const records = firstRecords(rest, final, candidates, options.maxRecordBytes);
  if (records === undefined) return start;
  const report = options.header ? undefined : records.find(({ fields = [] }) => isReportHeader(fields, options));
  if (!options.header && report === undefined) {
    if (options.columns !== undefined) throw noNames(options.columns, line);
    const columns = stated === undefined ? headerless(records, rest, line) : between(HEADERLESS_COLUMNS, stated);
    return { ...start, columns };
  }
  const usable = report === undefined ? records.filter(({ fields = [] }) => isHeader(fields, options)) : [report];
  if (usable.length > 1) throw ambiguous(usable, line);
  const header = usable[0] ?? best(records);
  const { separator, fields = [], end } = header;
  if (header.fields === undefined) throw headerFault(header, options, line);
  const what = elsewhere(rest, final, usable, separator, options);
  if (what !== undefined) throw headerRefusal(what, fields, options, { line, separator });
  const lineEnd = lineEndBefore(rest, end);
  return {
    done: done + end,
    line: line + countLineEnds(rest, 0, end),
    columns: {
      ...between(findColumns(fields, options, { line, separator }), separator),
      ...(lineEnd === undefined ? {} : { lineEnd }),
    },
  };
}

/** Without a header there is nothing by which a column could be found. */
function noNames(columns: readonly string[], line: number): FileRefusal {
  const named = columns.map((name) => JSON.stringify(name)).join(', ');
  const message = `The body template of the endpoint needs ${named}, and files are read without a header. Give them one that names the columns, and set \`parse.header\` to true.`;
  return new FileRefusal('csv_header', message, line);
}

const between = (columns: CsvColumns, separator = ','): CsvColumns =>
  separator === ',' ? columns : { ...columns, separator };

/** To the first line that says something; a line that names the separator is taken on the way. */
function skipBlankLines(bytes: Buffer, final: boolean, from: CsvStart, { rules }: ParseOptions): CsvStart {
  let { line, separator } = from;
  let at = 0;
  while (at < bytes.length) {
    const end = lineEndIn(bytes, at, final);
    if (end === undefined) break;
    const text = bytes.toString('utf8', at, trimLineEnd(bytes, at, end));
    const named = rules === undefined || line > 1 ? undefined : separatorIn(text);
    const isBlank = rules === undefined ? text.trim() === '' : isBlankLine(text);
    if (!isBlank && named === undefined) break;
    separator = named ?? separator;
    at = end;
    line += 1;
  }
  return { done: at, line, separator };
}

/** Offset behind the end of the line; undefined: it is not there yet. */
function lineEndIn(bytes: Buffer, from: number, final: boolean): number | undefined {
  for (let at = from; at < bytes.length; at++) {
    if (bytes[at] === LF) return at + 1;
    if (bytes[at] !== CR) continue;
    if (at + 1 === bytes.length && !final) return undefined;
    return bytes[at + 1] === LF ? at + 2 : at + 1;
  }
  return final ? bytes.length : undefined;
}

/** Without a header the first column is the user, and users hold no separators: it tells which one is meant. */
function headerless(records: readonly FirstRecord[], rest: Buffer, line: number): CsvColumns {
  const [comma, ...others] = records;
  const first = comma?.fields?.[0] ?? '';
  const fits = ({ fields }: FirstRecord): boolean => fields?.length === 2 && fields[0]?.trim() !== '';
  const other = others.find((one) => fits(one) && (!fits(comma!) || first.includes(one.separator)));
  if (other !== undefined) {
    const name = separatorName(other.separator);
    throw new FileRefusal(
      'csv_separator',
      `The columns of the first row are separated by ${name}, not by comma. Set \`parse.separator\` (\`--separator ${name}\`) beside \`--no-header\`; comma, if commas it is.`,
      line,
    );
  }
  const lineEnd = comma?.fields === undefined ? undefined : lineEndBefore(rest, comma.end);
  return lineEnd === undefined ? HEADERLESS_COLUMNS : { ...HEADERLESS_COLUMNS, lineEnd };
}

/** The one with the most columns: what most likely separates them. */
const best = (records: readonly FirstRecord[]): FirstRecord =>
  records.reduce((most, one) => ((one.fields?.length ?? 0) > (most.fields?.length ?? 0) ? one : most));

/** Separated by what was stated it has not both columns, but otherwise it would. */
function elsewhere(
  rest: Buffer,
  final: boolean,
  usable: readonly FirstRecord[],
  stated: string,
  options: ParseOptions,
): string | undefined {
  if (usable.length > 0 || options.rules === undefined) return undefined;
  const others = SEPARATORS.filter((separator) => separator !== stated);
  const found = firstRecords(rest, final, others, options.maxRecordBytes) ?? [];
  const other = found.find(({ fields = [] }) => isHeader(fields, options));
  if (other === undefined) return undefined;
  const name = separatorName(other.separator);
  return `separated by ${separatorName(stated)} it has not both columns, but by ${name} it has (\`--separator ${name}\`)`;
}

function ambiguous(usable: readonly FirstRecord[], line: number): FileRefusal {
  const names = usable.map(({ separator }) => separatorName(separator));
  return new FileRefusal(
    'csv_separator',
    `The header has both columns whether they are separated by ${names.join(' or by ')}. Set \`parse.separator\` (\`--separator ${names[0]}\`).`,
    line,
  );
}

function headerFault({ separator, fault }: FirstRecord, options: ParseOptions, line: number): FileRefusal {
  const code = fault?.code ?? TOO_LONG;
  if (code === STRAY_QUOTE) return headerRefusal('it has a quote within a name', [], options, { line, separator });
  if (code !== TOO_LONG) return refusalOf(code, line);
  const message = `The header, on line ${line}, is longer than ${options.maxRecordBytes} bytes; most often a quote is not closed there. Mend the line, or raise the limit \`parse.maxRecordBytes\`.`;
  return new FileRefusal('record_too_large', message, line);
}
