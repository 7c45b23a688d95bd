/**
 * Progress of files that are under way, on stderr. On a terminal each has one line that stays in its place: a bar, the counts, the rate against
 * the limit, the time left, or why it waits. Elsewhere there is a line when that reason changes, and one every five seconds while something
 * moves. The rate is that of the last ten seconds, so that the time left follows a receiver that changes its mind.
 */

import type { ProgressUpdate } from '../app/app.ts';
import { endedOf } from '../domain/counts.ts';
import { waitingText } from './endpoint-output.ts';
import { count, duration, rateNumber } from './output.ts';
import { shortened } from './tables.ts';
import type { Terminal } from './terminal.ts';

const RATE_SPAN_MS = 10_000;
const TERMINAL_PACE_MS = 100;
const LINE_PACE_MS = 5_000;
/** Files that have a line; of the rest there is only the number. */
const MOST_LINES = 8;
const BAR_WIDTH = 12;
const LONGEST_NAME = 28;

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

const settledOf = ({ progress: { counts } }: ProgressUpdate): number => endedOf(counts);

/** `━━━━━━╌╌╌╌╌╌` */
function bar(part: number): string {
  const full = Math.min(BAR_WIDTH, Math.floor(part * BAR_WIDTH));
  return '━'.repeat(full) + '╌'.repeat(BAR_WIDTH - full);
}

/** `sending  1,200 of 3,000 (40%)  99/s of 100/s  18 s left  2 failed`: what there is to say but for why it waits. */
function movesText(update: ProgressUpdate, rate: number | undefined): string[] {
  const { counts, openStubborn, phase } = update.progress;
  const settled = settledOf(update);
  const parts: string[] = [phase];
  if (phase === 'reading') parts.push(`${count(counts.rows)} rows`);
  else {
    const percent = counts.alerts === 0 ? 100 : Math.floor((100 * settled) / counts.alerts);
    parts.push(`${count(settled)} of ${count(counts.alerts)} (${percent}%)`);
  }
  if (phase === 'sending' && rate !== undefined && update.waiting === undefined) {
    const { limitPerSecond: limit } = update;
    parts.push(`${rateNumber(rate)}/s${limit === undefined ? '' : ` of ${rateNumber(limit)}/s`}`);
    const left = counts.alerts - settled;
    if (rate > 0 && left > 0) parts.push(`${duration(left / rate)} left`);
  }
  const failed = counts.rejected + counts.undelivered;
  if (failed > 0) parts.push(`${count(failed)} failed`);
  if (counts.unconfirmed > 0) parts.push(`${count(counts.unconfirmed)} unconfirmed`);
  if (openStubborn > 0) parts.push(`${count(openStubborn)} being retried`);
  return parts;
}

/** One line, however long, for a log. */
export function progressText(update: ProgressUpdate, rate: number | undefined, others = 0): string {
  const parts = [shortened(update.file, 255), ...movesText(update, rate)];
  if (update.waiting !== undefined) parts.push(`waiting: ${waitingText(update.waiting)}`);
  if (others > 0) parts.push(`and ${others} more ${others === 1 ? 'file' : 'files'}`);
  return parts.join('  ');
}

/** The same for a screen so many characters wide. What does not fit beside the counts goes below them. */
export function progressLines(update: ProgressUpdate, rate: number | undefined, width: number): string[] {
  const { counts, phase } = update.progress;
  const { waiting } = update;
  const part = counts.alerts === 0 ? 0 : settledOf(update) / counts.alerts;
  const [, ...numbers] = movesText(update, rate);
  const bars = phase === 'reading' ? ['reading'] : phase === 'sending' || phase === 'paused' ? [bar(part)] : [phase];
  const name = shortened(update.file, LONGEST_NAME);
  const line = [name, ...bars, ...numbers].join('  ');
  if (waiting === undefined) return [line];
  const why = `waiting: ${waitingText(waiting)}`;
  const whole = `${line}  ${why}`;
  return [...whole].length < width ? [whole] : [line, `  ${why}`];
}

interface Shown {
  update: ProgressUpdate;
  readonly samples: Sample[];
}

export class ProgressDisplay {
  readonly #terminal: Terminal;
  readonly #nowMs: () => number;
  readonly #files = new Map<string, Shown>();
  /** Elsewhere than on a terminal: what each was last said to wait for. */
  readonly #said = new Map<string, string>();
  #shownAtMs: number;

  constructor(terminal: Terminal, nowMs: () => number) {
    this.#terminal = terminal;
    this.#nowMs = nowMs;
    // The first line elsewhere than on a terminal comes after five seconds: most files are done by then.
    this.#shownAtMs = terminal.isInteractive ? Number.NEGATIVE_INFINITY : nowMs();
  }

  update(update: ProgressUpdate): void {
    const atMs = this.#nowMs();
    const shown = this.#files.get(update.file) ?? { update, samples: [] };
    this.#files.set(update.file, shown);
    shown.update = update;
    shown.samples.push({ atMs, settled: settledOf(update) });
    while (shown.samples[0] !== undefined && atMs - shown.samples[0].atMs > RATE_SPAN_MS) shown.samples.shift();
    if (this.#terminal.isInteractive) this.#draw(atMs);
    else this.#say(shown, atMs);
  }

  /** The file is no longer under way. */
  ended(file: string): void {
    this.#files.delete(file);
    this.#said.delete(file);
    if (this.#terminal.isInteractive) this.#draw(Number.POSITIVE_INFINITY);
  }

  #draw(atMs: number): void {
    if (atMs - this.#shownAtMs < TERMINAL_PACE_MS) return;
    if (atMs < Number.POSITIVE_INFINITY) this.#shownAtMs = atMs;
    const files = [...this.#files.values()];
    const lines = files
      .slice(0, MOST_LINES)
      .flatMap(({ update, samples }) => progressLines(update, ratePerSecond(samples), this.#terminal.columns));
    const more = files.length - MOST_LINES;
    this.#terminal.progress([...lines, ...(more > 0 ? [`and ${more} more ${more === 1 ? 'file' : 'files'}`] : [])]);
  }

  #say({ update, samples }: Shown, atMs: number): void {
    const why = update.waiting === undefined ? '' : waitingText(update.waiting);
    const changed = why !== (this.#said.get(update.file) ?? '');
    // Of what stands still there is nothing new to say.
    if (!changed && (why !== '' || atMs - this.#shownAtMs < LINE_PACE_MS)) return;
    this.#said.set(update.file, why);
    this.#shownAtMs = atMs;
    this.#terminal.message(progressText(update, ratePerSecond(samples), changed ? 0 : this.#files.size - 1));
  }
}
