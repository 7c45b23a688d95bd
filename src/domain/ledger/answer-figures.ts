/**
 * How requests were answered, as far as people ask later: how long answers took, and when the receiver asked to slow down. Counted by an attempt,
 * written as one line at the end of its journal, and added up when journals are folded. It says nothing about any row. Pure.
 */

/** Each step of the scale is so much longer than the one before; the first one holds all below a millisecond. */
const STEP = 1.2;
const LAST_STEP = 99;
/** Seconds that are told apart; beyond them they are cut more coarsely. */
const MOST_SECONDS = 120;
const LETTER = 'l';
const NOTHING = '-';

export class AnswerFigures {
  /** How many answers took so long, by step of the scale. */
  readonly #latencies = new Map<number, number>();
  /** How many asked to slow down, by second of the time of day. */
  readonly #throttled = new Map<number, number>();

  /** A request was answered, whatever the answer says. */
  answered(latencyMs: number): void {
    count(this.#latencies, stepOf(latencyMs), 1);
  }

  /** The answer asked to slow down. */
  throttled(atMs: number): void {
    count(this.#throttled, Math.floor(atMs / 1_000), 1);
  }

  add(other: AnswerFigures): void {
    for (const [step, times] of other.#latencies) count(this.#latencies, step, times);
    for (const [second, times] of other.#throttled) count(this.#throttled, second, times);
  }

  get answers(): number {
    return [...this.#latencies.values()].reduce((sum, times) => sum + times, 0);
  }

  /** When it was asked to slow down, and how often then; milliseconds of the time of day. */
  get throttledAt(): readonly (readonly [atMs: number, times: number])[] {
    return [...this.#throttled].map(([second, times]) => [second * 1_000, times]);
  }

  /** How long the share of all answers took at most, within a tenth; undefined: there was none. */
  latencyMs(share: number): number | undefined {
    let left = share * this.answers;
    for (const step of [...this.#latencies.keys()].sort((a, b) => a - b)) {
      left -= this.#latencies.get(step)!;
      if (left <= 0) return middleOf(step);
    }
    return undefined;
  }

  /** A line of a journal; '' where there is nothing to tell. */
  line(): string {
    if (this.#latencies.size === 0 && this.#throttled.size === 0) return '';
    return `${LETTER} ${pairsText(this.#latencies)} ${pairsText(cutCoarsely(this.#throttled))}\n`;
  }

  /** Of any line of a journal; undefined: it is none of these. */
  static parse(line: string): AnswerFigures | undefined {
    const [letter, latencies, throttled] = line.trimEnd().split(' ');
    if (letter !== LETTER || throttled === undefined) return undefined;
    const figures = new AnswerFigures();
    for (const [step, times] of pairsOf(latencies)) count(figures.#latencies, step, times);
    for (const [second, times] of pairsOf(throttled)) count(figures.#throttled, second, times);
    return figures;
  }
}

function count(counts: Map<number, number>, key: number, times: number): void {
  counts.set(key, (counts.get(key) ?? 0) + times);
}

const stepOf = (latencyMs: number): number =>
  latencyMs < 1 ? 0 : Math.min(LAST_STEP, 1 + Math.floor(Math.log(latencyMs) / Math.log(STEP)));

const middleOf = (step: number): number => (step === 0 ? 0.5 : STEP ** (step - 0.5));

const pairsText = (counts: ReadonlyMap<number, number>): string =>
  counts.size === 0 ? NOTHING : [...counts].map(([key, times]) => `${key}:${times}`).join(',');

function pairsOf(text = NOTHING): (readonly [number, number])[] {
  if (text === NOTHING) return [];
  const pairs = text.split(',').map((pair) => pair.split(':').map(Number));
  return pairs.flatMap(([key, times]) =>
    Number.isSafeInteger(key) && Number.isSafeInteger(times) ? [[key!, times!] as const] : [],
  );
}

function cutCoarsely(seconds: ReadonlyMap<number, number>): ReadonlyMap<number, number> {
  let cut = seconds;
  for (let width = 10; cut.size > MOST_SECONDS; width *= 6) {
    const wider = new Map<number, number>();
    for (const [second, times] of cut) count(wider, Math.floor(second / width) * width, times);
    cut = wider;
  }
  return cut;
}
