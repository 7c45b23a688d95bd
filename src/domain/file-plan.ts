/** Arithmetic on windows, chunks and counts that the file workflow decides by. Pure. */
import type { FileCounts, SentCounts, Stretch, WindowResult } from './contracts.ts';

export const NOTHING_SENT: SentCounts = { delivered: 0, rejected: 0, undelivered: 0, unconfirmed: 0 };

export const NO_COUNTS: FileCounts = {
  rows: 0,
  alerts: 0,
  ...NOTHING_SENT,
  invalid: 0,
  duplicates: 0,
  pending: 0,
};

export const plus = (left: SentCounts, right: SentCounts): SentCounts => ({
  delivered: left.delivered + right.delivered,
  rejected: left.rejected + right.rejected,
  undelivered: left.undelivered + right.undelivered,
  unconfirmed: left.unconfirmed + right.unconfirmed,
});

export const minus = (left: SentCounts, right: SentCounts): SentCounts => ({
  delivered: left.delivered - right.delivered,
  rejected: left.rejected - right.rejected,
  undelivered: left.undelivered - right.undelivered,
  unconfirmed: left.unconfirmed - right.unconfirmed,
});

const sum = (windows: readonly WindowResult[], key: 'rows' | 'alerts' | 'invalid' | 'duplicates' | 'chunks'): number =>
  windows.reduce((total, window) => total + window[key], 0);

export function countsOf(windows: readonly WindowResult[], sent: SentCounts): FileCounts {
  const alerts = sum(windows, 'alerts');
  const ended = sent.delivered + sent.rejected + sent.undelivered + sent.unconfirmed;
  return {
    rows: sum(windows, 'rows'),
    alerts,
    ...sent,
    invalid: sum(windows, 'invalid'),
    duplicates: sum(windows, 'duplicates'),
    pending: Math.max(0, alerts - ended),
  };
}

/** The whole of chunk number `chunk`; undefined past the last one. */
export function chunkStretch(windows: readonly WindowResult[], chunkSize: number, chunk: number): Stretch | undefined {
  const window = windows.find((candidate) => chunk < candidate.firstChunk + candidate.chunks);
  if (window === undefined) return undefined;
  const index = chunk - window.firstChunk;
  const full = index === window.chunks - 1 ? window.lastChunkAlerts : chunkSize;
  return { window: window.window, chunk, from: 0, to: window.chunkAlerts?.[index] ?? full };
}

/** How many alerts of the file come before this one: for people, who count alerts and not chunks. */
export function alertsBefore(windows: readonly WindowResult[], chunkSize: number, stretch: Stretch): number {
  let before = stretch.from;
  for (const window of windows) {
    const index = stretch.chunk - window.firstChunk;
    if (window.window < stretch.window) before += window.alerts;
    else if (window.window > stretch.window) break;
    else if (window.chunkAlerts === undefined) before += index * chunkSize;
    else for (const alerts of window.chunkAlerts.slice(0, index)) before += alerts;
  }
  return before;
}
