/**
 * Progress of `send` and `retry` on stderr: one updating line on a terminal, elsewhere a line every five seconds. The rate is that of
 * the last ten seconds, so that the time left follows a receiver that changes its mind.
 */

import type { ProgressUpdate } from '../app/app.ts';
import { plainText } from '../domain/plain-text.ts';
import { waitingText } from './endpoint-output.ts';
import { count, duration } from './output.ts';
import type { Terminal } from './terminal.ts';

const RATE_SPAN_MS = 10_000;
const TERMINAL_PACE_MS = 100;
const LINE_PACE_MS = 5_000;

export interface Sample {
  readonly atMs: number;
  readonly settled: number;
}

/** Alerts a second between the oldest and the newest sample; undefined while there is too little to tell. */
export function ratePerSecond(samples: readonly Sample[]): number | undefined {
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined || last.atMs - first.atMs < 500) return undefined;
  return ((last.settled - first.settled) * 1_000) / (last.atMs - first.atMs);
}

export interface ProgressState {
  readonly file: string;
  /** Other files that are under way. */
  readonly others: number;
  readonly update: ProgressUpdate;
  readonly rate: number | undefined;
}

const settledOf = ({ progress: { counts } }: ProgressUpdate): number =>
  counts.delivered + counts.rejected + counts.undelivered + counts.unconfirmed;

/** `alerts.csv  sending  1,200 of 3,000 (40%)  99/s  18 s left  2 failed` */
export function progressText({ file, others, rate, update }: ProgressState): string {
  const { counts, openStubborn, phase } = update.progress;
  const settled = settledOf(update);
  const parts = [plainText(file), phase];
  if (phase === 'reading') parts.push(`${count(counts.rows)} rows`);
  else {
    const percent = counts.alerts === 0 ? 100 : Math.floor((100 * settled) / counts.alerts);
    parts.push(`${count(settled)} of ${count(counts.alerts)} (${percent}%)`);
  }
  if (phase === 'sending' && rate !== undefined) {
    parts.push(`${rate < 10 ? rate.toFixed(1) : count(rate)}/s`);
    const left = counts.alerts - settled;
    if (rate > 0 && left > 0) parts.push(`${duration(left / rate)} left`);
  }
  const failed = counts.rejected + counts.undelivered;
  if (failed > 0) parts.push(`${count(failed)} failed`);
  if (counts.unconfirmed > 0) parts.push(`${count(counts.unconfirmed)} unconfirmed`);
  if (openStubborn > 0) parts.push(`${count(openStubborn)} being retried`);
  if (update.waiting !== undefined) parts.push(`waiting: ${waitingText(update.waiting)}`);
  if (others > 0) parts.push(`and ${others} more ${others === 1 ? 'file' : 'files'}`);
  return parts.join('  ');
}

export class ProgressDisplay {
  readonly #terminal: Terminal;
  readonly #nowMs: () => number;
  readonly #samples = new Map<string, Sample[]>();
  #shownAtMs: number;

  constructor(terminal: Terminal, nowMs: () => number) {
    this.#terminal = terminal;
    this.#nowMs = nowMs;
    // The first line elsewhere than on a terminal comes after five seconds: most files are done by then.
    this.#shownAtMs = terminal.isInteractive ? Number.NEGATIVE_INFINITY : nowMs();
  }

  update(update: ProgressUpdate): void {
    const atMs = this.#nowMs();
    const samples = this.#samples.get(update.file) ?? [];
    this.#samples.set(update.file, samples);
    samples.push({ atMs, settled: settledOf(update) });
    while (samples[0] !== undefined && atMs - samples[0].atMs > RATE_SPAN_MS) samples.shift();

    const pace = this.#terminal.isInteractive ? TERMINAL_PACE_MS : LINE_PACE_MS;
    if (atMs - this.#shownAtMs < pace) return;
    this.#shownAtMs = atMs;
    const rate = ratePerSecond(samples);
    const text = progressText({ file: update.file, others: this.#samples.size - 1, update, rate });
    if (this.#terminal.isInteractive) this.#terminal.progress(text);
    else this.#terminal.message(text);
  }

  /** The file is no longer under way. */
  ended(file: string): void {
    this.#samples.delete(file);
    if (this.#samples.size === 0) this.#terminal.progress('');
  }
}
