/** How a command ended, as a number for scripts (docs/guide.md, "Scripts and exit codes"). */

import type { FileEnd, FileTotals, ReportedFile } from '../app/app.ts';
import { FAULT_EXIT_CODES, FileRefusal } from '../domain/failure.ts';
import { knownFault } from '../known-faults.ts';

export const EXIT = {
  allDelivered: 0,
  unexpected: 1,
  usage: 2,
  someFailed: 3,
  unconfirmed: 4,
  notFound: 5,
  stopped: 6,
  fileRefused: 65,
  temporalUnreachable: 69,
  stillRunning: 75,
  interrupted: 130,
} as const;

/**
 * Worst first. What says nothing about the alerts (wds itself broke, Temporal is away) is worse than a file that was not delivered at all, that
 * is worse than one that was stopped before its end, that worse than alerts that need a decision, those worse than alerts that a retry may
 * mend, and those worse than what only needs time.
 */
const WORST_FIRST: readonly number[] = [
  EXIT.interrupted,
  EXIT.unexpected,
  EXIT.usage,
  EXIT.temporalUnreachable,
  EXIT.fileRefused,
  EXIT.notFound,
  EXIT.stopped,
  EXIT.unconfirmed,
  EXIT.someFailed,
  EXIT.stillRunning,
  EXIT.allDelivered,
];

/** The code that stands for several. No codes: 0. */
export function worstExitCode(codes: Iterable<number>): number {
  const all = new Set(codes);
  const unknown = [...all].find((code) => !WORST_FIRST.includes(code));
  return unknown ?? WORST_FIRST.find((code) => all.has(code)) ?? EXIT.allDelivered;
}

export function exitCodeOfError(error: unknown): number {
  const fault = knownFault(error);
  if (fault !== undefined) return FAULT_EXIT_CODES[fault.code];
  return error instanceof FileRefusal ? EXIT.fileRefused : EXIT.unexpected;
}

/** Some alert of a file that has ended was to be delivered and was not, whatever became of it. */
export const lacksSome = ({
  alerts,
  delivered,
  rejected,
  undelivered,
  unconfirmed,
  suppressed = 0,
}: FileTotals): boolean => delivered + suppressed < alerts || rejected + undelivered + unconfirmed > 0;

/** `--allow-invalid` forgives invalid rows. */
export interface Forgiven {
  readonly allowInvalid?: true;
}

/** Of a file that was read to its end. */
function exitCodeOfCounts(totals: FileTotals, { allowInvalid }: Forgiven): number {
  if (totals.unconfirmed > 0) return EXIT.unconfirmed;
  const unusable = totals.invalid > 0 && !allowInvalid;
  return lacksSome(totals) || unusable ? EXIT.someFailed : EXIT.allDelivered;
}

export function exitCodeOfEnd(end: FileEnd, forgiven: Forgiven = {}): number {
  if (end.kind === 'failed') return exitCodeOfError(end.fault);
  if (end.kind === 'running') return end.why === 'interrupted' ? EXIT.interrupted : EXIT.stillRunning;
  // Whatever was delivered until then, and also where nothing was read yet.
  return end.kind === 'stopped' ? EXIT.stopped : exitCodeOfCounts(end.result, forgiven);
}

/** `wds report` tells what `wds send` would have told. */
export function exitCodeOfReport(report: ReportedFile, forgiven: Forgiven = {}): number {
  switch (report.state) {
    case 'refused':
      return EXIT.fileRefused;
    case 'running':
    case 'paused':
      return EXIT.stillRunning;
    case 'cancelled':
      return EXIT.stopped;
    case 'stopped':
      return report.fault === undefined ? EXIT.stopped : FAULT_EXIT_CODES[report.fault.code];
    case 'unknown':
      // Temporal has forgotten it: ended by itself, or stopped before.
      return report.readToTheEnd && report.pending === 0 ? exitCodeOfCounts(report, forgiven) : EXIT.stopped;
    case 'completed':
    case 'failed':
      return exitCodeOfCounts(report, forgiven);
  }
}
