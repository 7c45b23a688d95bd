/** Finds the headers of an answer that speak of rates, in few steps: most answers have none. */
import type { Clock } from '../clock.ts';
import type { Answer } from '../domain/answers.ts';
import type { RateHeaderAliases, RateHeaderName, RateHeaders, RateHint } from '../domain/rate-hints.ts';
import { parseRateHint, RATE_HEADER_NAMES } from '../domain/rate-hints.ts';

const KNOWN: ReadonlySet<string> = new Set(RATE_HEADER_NAMES);
const isKnown = (name: string): name is RateHeaderName => KNOWN.has(name);

/** `headers` by lower-case name. undefined: none. */
export function pickRateHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  aliases: RateHeaderAliases,
): RateHeaders | undefined {
  let picked: { [Name in RateHeaderName]?: string } | undefined;
  for (const given in headers) {
    const alias = aliases.size > 0 ? aliases.get(given) : undefined;
    const name = alias ?? (given.includes('rate') && isKnown(given) ? given : undefined);
    const value = name === undefined ? undefined : headers[given];
    if (name === undefined || value === undefined) continue;
    picked ??= {};
    picked[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return picked;
}

/** What they say; undefined: the answer has none. */
export function rateHintOf(answer: Answer, clock: Clock, maxPauseMs: number): RateHint | undefined {
  if (answer.kind !== 'response' || answer.rateHeaders === undefined) return undefined;
  return parseRateHint(answer.rateHeaders, clock.wallMs(), maxPauseMs);
}
