/** How a command ended, as a number for scripts (docs/guide.md, "Scripts and exit codes"). */

import type { FileEnd, FileResult, ReportedFile } from '../app/app.ts';
import { FAULT_EXIT_CODES, Fault, FileRefusal } from '../domain/failure.ts';

export const EXIT = {
  allDelivered: 0,
  unexpected: 1,
  usage: 2,
  someFailed: 3,
  unconfirmed: 4,
  notFound: 5,
  fileRefused: 65,
  temporalUnreachable: 69,
  stillRunning: 75,
  interrupted: 130,
} as const;

/**
 * Worst first. What says nothing about the alerts (wds itself broke, Temporal is away) is worse than a file that was not delivered at all, that
 * is worse than alerts that need a decision, those worse than alerts that a retry may mend, and those worse than what only needs time.
 */
const WORST_FIRST: readonly number[] = [
  EXIT.interrupted,
  EXIT.unexpected,
  EXIT.usage,
  EXIT.temporalUnreachable,
  EXIT.fileRefused,
  EXIT.notFound,
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
  if (error instanceof Fault) return FAULT_EXIT_CODES[error.code];
  return error instanceof FileRefusal ? EXIT.fileRefused : EXIT.unexpected;
}

const exitCodeOfCounts = (counts: Pick<FileResult, 'rejected' | 'undelivered' | 'unconfirmed'>): number => {
  if (counts.unconfirmed > 0) return EXIT.unconfirmed;
  return counts.rejected + counts.undelivered > 0 ? EXIT.someFailed : EXIT.allDelivered;
};

export function exitCodeOfEnd(end: FileEnd): number {
  if (end.kind === 'failed') return exitCodeOfError(end.fault);
  if (end.kind === 'running') return end.why === 'interrupted' ? EXIT.interrupted : EXIT.stillRunning;
  // Stopped by hand in mid-file: what is pending was not delivered.
  if (end.kind === 'stopped' && end.pending > 0) return worstExitCode([EXIT.someFailed, exitCodeOfCounts(end.result)]);
  return exitCodeOfCounts(end.result);
}

/** `wds report` tells what `wds send` would have told. */
export function exitCodeOfReport(report: ReportedFile): number {
  if (report.state === 'refused') return EXIT.fileRefused;
  if (report.state === 'running' || report.state === 'paused') return EXIT.stillRunning;
  return report.pending > 0 ? worstExitCode([EXIT.someFailed, exitCodeOfCounts(report)]) : exitCodeOfCounts(report);
}
