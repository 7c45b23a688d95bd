/** What people and programs are told of by themselves: events, one for a cause. Without users or messages: it goes through Temporal's history. Pure. */
import type { FileSummary } from '../counts.ts';
import { isAllDelivered } from '../counts.ts';
import { countsText } from '../progress/counts-text.ts';
import { grouped } from '../rows/words.ts';

/**
 * `file.finished`: all delivered, or suppressed. `file.failed`: it ended, and something was not delivered. `file.refused`: nothing of it is sent.
 * `decision.waiting`: somebody has to say how to go on, or what to do with alerts that are unconfirmed. `circuit.opened`, `circuit.closed`: an endpoint is ill,
 * and its files wait; it is well again. `disk.low`: the disk of the store is nearly full.
 */
export const NOTICE_TYPES = [
  'file.finished',
  'file.failed',
  'file.refused',
  'decision.waiting',
  'circuit.opened',
  'circuit.closed',
  'disk.low',
] as const;
export type NoticeType = (typeof NOTICE_TYPES)[number];

/** Of what `wds notify --test` sends. */
export const TEST_TYPE = 'test';

export interface NoticeFile {
  readonly file: string;
  readonly sha256: string;
  readonly endpoint: string;
  /** Absent: nothing was read, or it is not at its end. */
  readonly counts?: Readonly<Record<string, number>>;
  readonly reportDir?: string;
  /** Why it was refused, or what is to be decided. */
  readonly reason?: string;
}

export interface Notice {
  /** The same for the same event, however often and by whomever it is told. */
  readonly key: string;
  readonly type: NoticeType;
  /** ISO 8601. */
  readonly at: string;
  /** Those of one type and subject are told together: the endpoint, or the folder on the disk. */
  readonly subject: string;
  /** In a sentence. */
  readonly text: string;
  readonly file?: NoticeFile;
  /** What else is known of it. */
  readonly details?: Readonly<Record<string, string | number | null>>;
}

export interface ReportedEnd {
  readonly workflowId: string;
  readonly round: number | string;
  readonly fileName: string;
  readonly endpoint: string;
}

/** What there is to tell of a file whose report was just written at its end. */
export function noticesOfEnd(
  { workflowId, round, fileName, endpoint }: ReportedEnd,
  summary: FileSummary,
  at: string,
): Notice[] {
  // Without an end yet: it is gone through again.
  if (summary.pending > 0) return [];
  const { sha256, reportDir, unconfirmed, rejected, undelivered } = summary;
  const { rows, alerts, delivered, invalid, duplicates, suppressed = 0 } = summary;
  const counts = { rows, alerts, delivered, rejected, undelivered, unconfirmed, suppressed, invalid, duplicates };
  const file = { file: fileName, sha256, endpoint, counts, reportDir };
  const key = `${workflowId} ${round}`;
  const base = { at, subject: endpoint, file };
  const text = `${fileName}: ${countsText(summary)}`;
  if (isAllDelivered(summary)) return [{ ...base, key: `${key} finished`, type: 'file.finished', text }];
  const undecided = `${grouped(unconfirmed)} unconfirmed: wds retry ${sha256.slice(0, 12)} --unconfirmed sends them again, or leave it`;
  return [
    ...(rejected + undelivered === 0 ? [] : [{ ...base, key: `${key} failed`, type: 'file.failed', text } as const]),
    ...(unconfirmed === 0
      ? []
      : [
          {
            ...base,
            key: `${key} unconfirmed`,
            type: 'decision.waiting',
            text: `${fileName}: ${undecided}`,
            file: { ...file, reason: undecided },
          } as const,
        ]),
  ];
}

/** It ended, and not with a report: for want of its content or its receipts, or for a fault of wds itself. */
export function noticeOfFailure(
  { sha256, fileName, endpoint }: { readonly sha256: string; readonly fileName: string; readonly endpoint: string },
  reason: string,
  { runId, at }: { readonly runId: string; readonly at: string },
): Notice {
  return {
    key: `${sha256} ${endpoint} ${runId} failed`,
    type: 'file.failed',
    at,
    subject: endpoint,
    text: `${fileName}: ${reason}`,
    file: { file: fileName, sha256, endpoint, reason },
  };
}

export function noticeOfRefusal(
  {
    file,
    sha256,
    endpoint,
    reason,
    line,
  }: { file: string; sha256: string; endpoint: string; reason: string; line?: number | undefined },
  at: string,
): Notice {
  const where = line === undefined ? '' : ` (line ${grouped(line)})`;
  return {
    // Dropped once more, it is refused once more.
    key: `${sha256} ${endpoint} refused ${at.slice(0, 16)}`,
    type: 'file.refused',
    at,
    subject: endpoint,
    text: `${file}: refused${where}, nothing of it is sent: ${reason}`,
    file: { file, sha256, endpoint, reason },
    ...(line === undefined ? {} : { details: { line } }),
  };
}

export function noticeOfCircuit(
  endpoint: string,
  { isOpen, openedAt, text }: { readonly isOpen: boolean; readonly openedAt: string; readonly text: string },
  at: string,
): Notice {
  const type = isOpen ? 'circuit.opened' : 'circuit.closed';
  return {
    key: `${endpoint} ${type} ${openedAt === '' ? at.slice(0, 16) : openedAt}`,
    type,
    at,
    subject: endpoint,
    text: isOpen
      ? `endpoint ${endpoint}: circuit open, its files wait and only probes are sent: ${text}`
      : `endpoint ${endpoint}: circuit closed, ${text}`,
    details: { since: openedAt === '' ? null : openedAt, reason: text },
  };
}

/** `asked`: what there is to decide, in words. */
export function noticeOfDecision(
  { sha256, fileName, endpoint }: { readonly sha256: string; readonly fileName: string; readonly endpoint: string },
  asked: string,
  { runId, at }: { readonly runId: string; readonly at: string },
): Notice {
  return {
    key: `${sha256} ${endpoint} decision ${runId} ${asked.slice(0, 40)}`,
    type: 'decision.waiting',
    at,
    subject: endpoint,
    text: `${fileName}: waiting for a decision: ${asked}`,
    file: { file: fileName, sha256, endpoint, reason: asked },
  };
}

/** `reason`: in words. */
export function noticeOfDisk(
  { host, folder, reason, freeBytes }: { host: string; folder: string; reason: string; freeBytes: number },
  at: string,
): Notice {
  return {
    // Once an hour, if it comes and goes.
    key: `${host} ${folder} disk ${at.slice(0, 13)}`,
    type: 'disk.low',
    at,
    subject: folder,
    text: `${host}: the disk of ${folder} is nearly full: ${reason}`,
    details: { host, freeBytes },
  };
}
