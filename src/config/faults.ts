/** Faults of the configuration: collected one by one, told all at once. A secret's value never gets in here. */
import { Fault } from '../domain/failure.ts';
import { clipped, plainText } from '../domain/plain-text.ts';

export interface ConfigFault {
  /** Key path (`endpoint.rate`), flag or variable. */
  readonly key: string;
  /** What is wrong, e.g. the value and what was expected. */
  readonly problem: string;
  /** Where it stands: `wds.config.yaml, line 7`, `WDS_RATE`, `--rate`. */
  readonly origin?: string | undefined;
}

const LONGEST_VALUE = 60;

/** A value as a fault shows it: on one line, clipped, without control characters. */
export function shownValue(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return clipped(plainText(json), LONGEST_VALUE);
}

/** `value` undefined: it is not to be shown. */
export function wrongValue(value: string | undefined, expects: string): string {
  return `${value ?? '(value not shown)'}, expected ${expects}`;
}

/** One Fault for all of them, one line each. */
export function configFault(faults: readonly ConfigFault[]): Fault {
  const lines = faults.map(({ key, problem, origin }) => `  ${key}: ${problem}${origin ? ` (${origin})` : ''}`);
  const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`;
  return new Fault(
    'config',
    `${count} in the configuration:\n${lines.join('\n')}`,
    'Every setting is described in docs/configuration.md.',
  );
}

/** The candidate nearest to a misspelt word, if it is near enough to be what was meant. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase(), bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Damerau–Levenshtein (adjacent letters swapped count as one edit); `limit` where it is at least that. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + change);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, beforeLast[j - 2]! + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
