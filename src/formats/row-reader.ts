/** What the reader of each format takes and gives. */
import type { InvalidReason, ReadableFields } from '../domain/alert.ts';
import type { ReadCursor } from '../domain/contracts.ts';
import type { RowNote } from '../domain/rows/findings.ts';

/** Takes the rows in the order of the file. `alert` and `invalid` are called synchronously, one call a row. */
export interface RowSink {
  alert(
    line: number,
    userId: string,
    alertMessage: string,
    origin: string | undefined,
    /** Values of the columns that are carried along, in the order of the parse options; undefined: there are none. */
    columns?: readonly string[],
  ): void;
  /** `row`: the record's bytes, perhaps only its beginning; valid during the call only. */
  invalid(line: number, reason: InvalidReason, row: Buffer, fields?: ReadableFields): void;
  /** Something about the row on this line that a person should know; beside one of the others. */
  note(line: number, note: RowNote): void;
}

/** One format's reader, fed piece by piece. Throws FileRefusal. */
export interface RowReader {
  /** Hands out the rows that end in `bytes` and returns how many bytes are done with; the rest must come again, with more behind it. */
  read(bytes: Buffer, final: boolean): number;
  /** The row after the last one wanted was met: it begins behind the bytes done with. */
  readonly stopped: boolean;
  /** `read` came back early to let others run: call it again with the rest. */
  readonly paused: boolean;
  /** Line (or element number) behind the bytes done with. */
  readonly nextLine: number;
  readonly rows: number;
  readonly columns?: ReadCursor['columns'];
}
