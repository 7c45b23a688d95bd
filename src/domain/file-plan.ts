/** Arithmetic on windows, chunks and counts that the file workflow decides by. Pure. */
import type { Stretch, WindowResult } from './contracts.ts';
import type { FileCounts, SentCounts } from './counts.ts';
import { endedOf } from './counts.ts';
import { findingsOf } from './rows/findings.ts';

/** A small file is read in some 20 ms, and its report is written in twice that. */
export const SMALL_FILE_BYTES = 256 * 1024;

const sum = (windows: readonly WindowResult[], key: 'rows' | 'alerts' | 'invalid' | 'duplicates' | 'chunks'): number =>
  windows.reduce((total, window) => total + window[key], 0);

export function countsOf(windows: readonly WindowResult[], sent: SentCounts): FileCounts {
  const { deliveredBefore = 0, duplicates: ofEarlierFiles = 0, ...outcomes } = sent;
  const alerts = sum(windows, 'alerts') - ofEarlierFiles;
  return {
    rows: sum(windows, 'rows'),
    alerts,
    ...outcomes,
    invalid: sum(windows, 'invalid'),
    duplicates: sum(windows, 'duplicates') + ofEarlierFiles,
    pending: Math.max(0, alerts - endedOf(sent)),
    sentNow: sent.delivered - deliveredBefore,
    ...findingsOf(windows),
    ...(ofEarlierFiles === 0 ? {} : { ofEarlierFiles }),
  };
}

export const countOfChunks = (windows: readonly WindowResult[]): number => sum(windows, 'chunks');

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

/**
 * What a report shows less, or otherwise, than the workflow has seen; undefined: nothing. Late answers explain more deliveries, never fewer:
 * a delivered alert stays so.
 */
export function differenceFrom(seen: FileCounts, reported: FileCounts): string | undefined {
  for (const name of ['rows', 'alerts', 'invalid', 'duplicates'] as const) {
    if (reported[name] !== seen[name]) return `${reported[name]} ${name} where ${seen[name]} were read`;
  }
  if (reported.delivered >= seen.delivered) return undefined;
  return `${reported.delivered} alerts delivered where ${seen.delivered} were`;
}

/** Whether a window that was read twice has the same rows in the same chunks. (An earlier build did not say what it found.) */
export function sameLayout(before: WindowResult, again: WindowResult): boolean {
  const layout = ({ invalidReasons: _reasons, notes: _notes, ...rest }: WindowResult): string =>
    JSON.stringify(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1)));
  return layout(before) === layout(again);
}
