/** Takes the rows of a file for a preview: counts them as a delivery would, and keeps the first ones of each kind. */
import type { InvalidReason } from '../domain/alert.ts';
import { rowBody } from '../domain/body/template.ts';
import type { FileCounts } from '../domain/counts.ts';
import { NO_COUNTS } from '../domain/counts.ts';
import { excerptOf } from '../domain/plain-text.ts';
import type { RowNote, RowsSeen } from '../domain/rows/findings.ts';
import { countRow, findingsOf } from '../domain/rows/findings.ts';
import type { RowSink } from '../formats/row-reader.ts';
import { SeenUsers } from '../formats/seen-users.ts';

/** Requests that are shown in full, and rows of each kind that are listed. */
const FULL_REQUESTS = 3;
const MOST_LISTED = 20;
const ROW_CHARS = 60;
/** Which users were seen is known by their hashes; a preview needs no seed of the file's own. */
const ANY_SEED = '5eed'.repeat(16);

export interface InvalidRow {
  readonly line: number;
  readonly reason: InvalidReason;
  /** Its beginning, on one line. */
  readonly row: string;
}

export interface DuplicateRow {
  readonly line: number;
  readonly firstLine: number;
  readonly userId: string;
}

export interface SuppressedRow {
  readonly line: number;
  readonly userId: string;
}

export class PreviewSink implements RowSink {
  readonly #seen = new SeenUsers(ANY_SEED);
  readonly #reasons: { [Reason in InvalidReason]?: RowsSeen & { rows: number } } = {};
  readonly #notes: { [Note in RowNote]?: RowsSeen & { rows: number } } = {};
  readonly first: { readonly line: number; readonly body: string }[] = [];
  readonly invalidRows: InvalidRow[] = [];
  readonly duplicateRows: DuplicateRow[] = [];
  readonly suppressedRows: SuppressedRow[] = [];
  #alerts = 0;
  #invalid = 0;
  #duplicates = 0;
  #suppressed = 0;
  #shown = 0;
  mended = 0;
  readonly #isSuppressed: (userId: string) => boolean;

  readonly #columns: readonly string[];

  /** `isSuppressed`: whether a user is on a suppression list. `columns`: names of those that are carried along. */
  constructor(isSuppressed: (userId: string) => boolean = () => false, columns: readonly string[] = []) {
    this.#isSuppressed = isSuppressed;
    this.#columns = columns;
  }

  alert(
    line: number,
    userId: string,
    alertMessage: string,
    origin: string | undefined,
    columns: readonly string[] = [],
  ): void {
    const firstLine = this.#seen.add(userId, line);
    if (firstLine !== 0) {
      if (this.#duplicates++ < MOST_LISTED) this.duplicateRows.push({ line, firstLine, userId });
      return;
    }
    if (origin !== undefined) this.mended++;
    this.#alerts++;
    if (this.#isSuppressed(userId)) {
      if (this.#suppressed++ < MOST_LISTED) this.suppressedRows.push({ line, userId });
    } else if (this.#shown++ < FULL_REQUESTS)
      this.first.push({ line, body: rowBody(userId, alertMessage, this.#columns, columns) });
  }

  invalid(line: number, reason: InvalidReason, row: Buffer): void {
    countRow(this.#reasons, reason, line);
    if (this.#invalid++ >= MOST_LISTED) return;
    this.invalidRows.push({ line, reason, row: excerptOf(row.toString('utf8', 0, 4 * ROW_CHARS), ROW_CHARS) });
  }

  note(line: number, note: RowNote): void {
    countRow(this.#notes, note, line);
  }

  counts(): FileCounts {
    const [alerts, invalid, duplicates, suppressed] = [this.#alerts, this.#invalid, this.#duplicates, this.#suppressed];
    const found = findingsOf([{ invalidReasons: this.#reasons, notes: this.#notes }]);
    return {
      ...NO_COUNTS,
      rows: alerts + invalid + duplicates,
      alerts,
      invalid,
      duplicates,
      suppressed,
      pending: alerts - suppressed,
      ...found,
    };
  }
}
