/**
 * A JSON array of objects → rows, numbered 1 … n. Elements are cut out by their brackets and parsed by JSON.parse. What is not JSON
 * refuses the file, for nobody knows where the next element begins; an element that is JSON but no alert is an invalid row.
 * A cursor lies at the start of an element (the comma before it is behind).
 */
import { isUtf8 } from 'node:buffer';
import type { ReadableFields } from '../domain/alert.ts';
import type { ReadCursor } from '../domain/contracts.ts';
import { FileRefusal } from '../domain/failure.ts';
import type { ParseOptions } from '../domain/parse-options.ts';
import { handOut, MAX_DEPTH, parseJson, readableMembers, toAlert } from './json-row.ts';
import { isJsonSpace, JsonScanner } from './json-scanner.ts';
import type { RowReader, RowSink } from './row-reader.ts';

const KEPT_OF_LONG_ELEMENT_BYTES = 2048;
const COMMA = 0x2c;
const OPEN = 0x5b;
const CLOSE = 0x5d;
/** With NULs it pads the end of files. */
const CTRL_Z = 0x1a;

type Expected = 'array' | 'element or end' | 'element' | 'comma or end' | 'nothing';

export class JsonArrayReader implements RowReader {
  readonly #options: ParseOptions;
  readonly #sink: RowSink;
  readonly #rowLimit: number;
  readonly #scanner = new JsonScanner();
  readonly paused = false;
  #expected: Expected;
  #element: number;
  #rows = 0;
  #stopped = false;
  /** Bytes of the unfinished element, at the start of the next piece, that the scanner has seen. */
  #scanned = 0;
  /** Beginning of an element over the limit whose end has not come yet. */
  #longElement: Buffer | undefined;

  constructor(options: ParseOptions, cursor: ReadCursor | null, rowLimit: number, sink: RowSink) {
    this.#options = options;
    this.#sink = sink;
    this.#rowLimit = rowLimit;
    this.#expected = cursor === null ? 'array' : 'element';
    this.#element = cursor?.nextLine ?? 1;
  }

  get stopped(): boolean {
    return this.#stopped;
  }
  get nextLine(): number {
    return this.#element;
  }
  get rows(): number {
    return this.#rows;
  }

  read(bytes: Buffer, final: boolean): number {
    let at = 0;
    while (at < bytes.length) {
      const unfinished = this.#scanned > 0 || this.#longElement !== undefined;
      if (!unfinished && isJsonSpace(bytes[at])) {
        at++;
        continue;
      }
      if (!unfinished && !this.#isElement(bytes[at])) {
        this.#readMark(bytes[at]);
        at++;
        continue;
      }
      if (!unfinished && this.#rows >= this.#rowLimit) {
        this.#stopped = true;
        return at;
      }
      if (!unfinished) this.#scanner.reset();
      const end = this.#scanner.endOf(bytes, at + this.#scanned);
      if (end === -1) {
        if (final) throw this.#cutOff();
        return this.#keepOrDrop(bytes, at);
      }
      this.#takeElement(bytes.subarray(at, end));
      at = end;
    }
    if (final && this.#expected !== 'nothing') throw this.#cutOff();
    return at;
  }

  #isElement(byte: number | undefined): boolean {
    return (this.#expected === 'element' || this.#expected === 'element or end') && byte !== CLOSE;
  }

  #readMark(byte: number | undefined): void {
    switch (this.#expected) {
      case 'array':
        if (byte !== OPEN) throw this.#notAnArray();
        this.#expected = 'element or end';
        break;
      case 'element or end':
        this.#expected = 'nothing';
        break;
      case 'comma or end':
        if (byte !== COMMA && byte !== CLOSE) throw this.#syntax('is not followed by a comma or the end of the array');
        this.#expected = byte === COMMA ? 'element' : 'nothing';
        break;
      case 'element':
        throw this.#syntax('is followed by a comma, but by no other element');
      default:
        if (this.#options.rules !== undefined && (byte === 0 || byte === CTRL_Z)) break;
        throw this.#syntax('ends the array, and yet something follows the array');
    }
  }

  /** An unfinished element within the limit must come again; of a longer one only the beginning is kept. */
  #keepOrDrop(bytes: Buffer, start: number): number {
    const unfinishedBytes = bytes.length - start;
    if (this.#longElement === undefined && unfinishedBytes <= this.#options.maxRecordBytes) {
      this.#scanned = unfinishedBytes;
      return start;
    }
    this.#scanned = 0;
    this.#longElement ??= Buffer.from(bytes.subarray(start, start + KEPT_OF_LONG_ELEMENT_BYTES));
    return bytes.length;
  }

  #takeElement(bytes: Buffer): void {
    const line = this.#element;
    const longElement = this.#longElement;
    const deep = this.#scanner.deepest > MAX_DEPTH;
    this.#expected = 'comma or end';
    this.#element++;
    this.#rows++;
    this.#scanned = 0;
    this.#longElement = undefined;
    if (longElement !== undefined) this.#sink.invalid(line, 'row_too_large', longElement);
    else if (bytes.length > this.#options.maxRecordBytes) this.#sink.invalid(line, 'row_too_large', bytes);
    else if (deep) this.#sink.invalid(line, 'too_deep', bytes);
    else this.#parseElement(line, bytes);
  }

  #parseElement(line: number, bytes: Buffer): void {
    const text = bytes.toString('utf8');
    const value = parseJson(text);
    if (value === undefined) throw this.#syntax('is not valid JSON');
    const whole = isUtf8(bytes);
    const result = whole ? toAlert(value, text, this.#options) : 'invalid_utf8';
    const fields = (): ReadableFields =>
      whole && result !== 'bad_json' ? readableMembers(value, text, this.#options) : {};
    if (typeof result === 'string') this.#sink.invalid(line, result, bytes, fields());
    else handOut(line, result, this.#sink);
  }

  #notAnArray(): FileRefusal {
    const message =
      'A .json file must hold one array of objects. If each line is an object of its own, name the file .ndjson or .jsonl.';
    return new FileRefusal('json_not_array', message, 1);
  }

  /** `what` is said of the last element that was read. */
  #syntax(what: string): FileRefusal {
    const last = this.#element - 1;
    const where = last === 0 ? 'The array' : `Element ${last}`;
    return new FileRefusal(
      'json_syntax',
      `${where} ${what}. Mend the JSON and drop the file again.`,
      Math.max(last, 1),
    );
  }

  #cutOff(): FileRefusal {
    if (this.#expected === 'array') {
      return new FileRefusal('json_empty', 'The file holds no JSON. A file without alerts is an empty array: [].', 1);
    }
    const message = `The array is not closed: the file ends at element ${this.#element}. It may be cut off; drop it again.`;
    return new FileRefusal('json_truncated', message, this.#element);
  }
}
