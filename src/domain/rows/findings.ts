/**
 * What is found in a file's rows beside the alerts: why rows are invalid, and what else a person should know of them. Closed sets with counts
 * and first lines, no text of the file: it goes into histories, logs and reports. Pure.
 */
import type { InvalidReason } from '../alert.ts';

/** Rows that have something in common. */
export interface RowsSeen {
  readonly rows: number;
  /** Line on which the first of them begins. */
  readonly firstLine: number;
}

/**
 * - `windows_1252`: an invalid_utf8 row whose bytes read as Windows-1252 text.
 * - `comma_behind_object`: a bad_json row that is JSON but for a comma at its end.
 * - `spreadsheet_user_id`: an alert whose user is what a spreadsheet makes of a long number or of an error: `4.91512E+11`, `#N/A`, `####`.
 * - `padded_user_id`: an alert whose user begins or ends with white space. Users are compared exactly.
 */
export type RowNote = 'windows_1252' | 'comma_behind_object' | 'spreadsheet_user_id' | 'padded_user_id';

export type InvalidReasons = { readonly [Reason in InvalidReason]?: RowsSeen };
export type RowNotes = { readonly [Note in RowNote]?: RowsSeen };

export interface ReasonCount extends RowsSeen {
  readonly reason: InvalidReason;
}
export interface NoteCount extends RowsSeen {
  readonly note: RowNote;
}

/** Of a whole file. */
export interface Findings {
  /** Commonest first, of equally common ones the one that comes first in the file. Absent: none, or not known. */
  readonly invalidReasons?: readonly ReasonCount[];
  readonly notes?: readonly NoteCount[];
}

/** Of a window. */
export interface WindowFindings {
  /** Absent where there are none, and in windows that an earlier build has read. */
  readonly invalidReasons?: InvalidReasons;
  readonly notes?: RowNotes;
}

/** Counts one more row. */
export function countRow<Kind extends string>(
  into: { [K in Kind]?: { rows: number; firstLine: number } },
  kind: Kind,
  line: number,
): void {
  const seen = into[kind];
  if (seen === undefined) into[kind] = { rows: 1, firstLine: line };
  else seen.rows++;
}

/** Added up over the windows of a file, which come in order. Empty where nothing was found. */
export function findingsOf(windows: readonly WindowFindings[]): Findings {
  const invalidReasons = commonest(windows.map((window) => window.invalidReasons ?? {}));
  const notes = commonest(windows.map((window) => window.notes ?? {}));
  return {
    ...(invalidReasons.length === 0
      ? {}
      : { invalidReasons: invalidReasons.map(([reason, seen]) => ({ reason, ...seen })) }),
    ...(notes.length === 0 ? {} : { notes: notes.map(([note, seen]) => ({ note, ...seen })) }),
  };
}

function commonest<Kind extends string>(
  windows: readonly { readonly [K in Kind]?: RowsSeen }[],
): (readonly [Kind, RowsSeen])[] {
  const all = new Map<Kind, RowsSeen>();
  for (const window of windows) {
    for (const [kind, { rows, firstLine }] of Object.entries(window) as [Kind, RowsSeen][]) {
      const before = all.get(kind);
      all.set(kind, { rows: (before?.rows ?? 0) + rows, firstLine: before?.firstLine ?? firstLine });
    }
  }
  return [...all].sort(([, a], [, b]) => b.rows - a.rows || a.firstLine - b.firstLine);
}
