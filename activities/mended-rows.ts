/**
 * Between the reader and the writer of a window: a row that mends one of an earlier file is held until it is known what it stands for there
 * (original-rows.ts). Rows of a file without such rows go straight through. Memory: the rows since the last `flush`.
 */
import type { InvalidReason, ReadableFields } from '../src/domain/alert.ts';
import { FileRefusal } from '../src/domain/failure.ts';
import type { RowNote } from '../src/domain/rows/findings.ts';
import { isOrigin } from '../src/formats/alert-rules.ts';
import type { RowSink } from '../src/formats/row-reader.ts';
import type { WindowWriter } from '../src/store/window-writer.ts';
import type { OriginalRows } from './original-rows.ts';

/** Lets a row go on, once what comes before it has. */
type Held = () => void | Promise<void>;

export class MendedRows implements RowSink {
  readonly #writer: WindowWriter;
  readonly #originals: OriginalRows;
  #held: Held[] = [];

  constructor(writer: WindowWriter, originals: OriginalRows) {
    this.#writer = writer;
    this.#originals = originals;
  }

  alert(
    line: number,
    userId: string,
    alertMessage: string,
    origin: string | undefined,
    columns?: readonly string[],
  ): void {
    if (origin === undefined) this.#inTurn(() => this.#writer.alert(line, userId, alertMessage, undefined, columns));
    else if (isOrigin(origin)) this.#held.push(() => this.#mended(line, userId, alertMessage, origin, columns));
    else throw notAnOrigin(line, origin);
  }

  async #mended(
    line: number,
    userId: string,
    alertMessage: string,
    origin: string,
    columns: readonly string[] | undefined,
  ): Promise<void> {
    const standing = await this.#originals.standing(userId, origin);
    if (standing.kind === 'duplicate') this.#writer.duplicateOf(line, userId, standing);
    else this.#writer.alert(line, userId, alertMessage, standing.origin, columns);
  }

  invalid(line: number, reason: InvalidReason, row: Buffer, fields?: ReadableFields): void {
    if (this.#held.length === 0) {
      this.#writer.invalid(line, reason, row, fields);
      return;
    }
    const kept = Buffer.from(row);
    this.#held.push(() => this.#writer.invalid(line, reason, kept, fields));
  }

  note(line: number, note: RowNote): void {
    this.#writer.note(line, note);
  }

  /** Throws what reading the originals throws. */
  async flush(): Promise<void> {
    const held = this.#held;
    this.#held = [];
    for (const goOn of held) await goOn();
    await this.#writer.flush();
  }

  #inTurn(goOn: () => void): void {
    if (this.#held.length === 0) goOn();
    else this.#held.push(goOn);
  }
}

function notAnOrigin(line: number, origin: string): FileRefusal {
  const what = `The row on line ${line} names as its origin (column wdsOrigin) what wds has not written`;
  const next =
    'Put back what was there, or empty the column: then each row is an alert of its own, also to a user who had one from the original.';
  return new FileRefusal(
    'unknown_origin',
    `${what}: ${JSON.stringify(origin.slice(0, 100))}. ${next}`,
    line,
    `${what}. ${next}`,
  );
}
