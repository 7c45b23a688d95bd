/**
 * Why an endpoint is sent nothing just now, and until when. Decided here alone, from what the workers have told the governor; whoever shows
 * it (commands, the log, the Web UI) only puts it into words. Pure.
 */
import type { Waiting } from './contract.ts';
import { usedUp } from './quota-use.ts';
import type { GovernorState } from './state.ts';

const iso = (atMs: number): string => new Date(atMs).toISOString();

/** null: it is sent what there is. */
export function waitingOf(state: GovernorState, nowMs: number): Waiting | null {
  const borrowers = Object.values(state.book);
  const wellMs = Math.max(...borrowers.map((borrower) => borrower.wellMs ?? Number.NEGATIVE_INFINITY));
  const told = borrowers.flatMap(({ trouble }) =>
    trouble === undefined || trouble.sinceMs <= wellMs ? [] : [trouble],
  );
  // Of several the newest: that is what the next request is likely to meet.
  const trouble = told.sort((a, b) => b.sinceMs - a.sinceMs)[0];
  const cause = trouble?.cause ?? null;
  if (state.paused) return { why: 'paused', cause: null, text: 'paused by an operator', since: null, until: null };
  const { name, sinceMs, reason } = state.circuit;
  if (name === 'open')
    return { why: 'circuit', cause, text: illWords(reason, cause), since: iso(sinceMs), until: null };
  const wanting = borrowers.filter((one) => one.demandPerSecond !== 0 || (one.pausedUntilMs ?? 0) > nowMs);
  const untilMs = wanting.map(({ pausedUntilMs = 0 }) => pausedUntilMs);
  // While one of them sends, it is only slower.
  if (untilMs.length > 0 && untilMs.every((endMs) => endMs > nowMs)) {
    const text = `the receiver asked for a pause${cause === null ? '' : ` (${cause})`}`;
    return { why: 'asked', cause, text, since: null, until: iso(Math.min(...untilMs)) };
  }
  const used = usedUp(state, nowMs);
  if (used !== undefined) return { why: 'quota', cause: null, text: used.text, since: null, until: iso(used.untilMs) };
  if (trouble === undefined) return null;
  const text = `the last request did not get through: ${cause}`;
  return { why: 'trouble', cause, text, since: iso(trouble.sinceMs), until: null };
}

function illWords(reason: GovernorState['circuit']['reason'], cause: string | null): string {
  if (typeof reason === 'number') return `it refuses everything (${cause ?? `HTTP ${reason}`}): ${adviceFor(reason)}`;
  return cause === null ? 'it does not answer, or fails every request' : `nothing gets through: ${cause}`;
}

/** What to look at, for a status that everything is refused with. */
function adviceFor(status: number): string {
  if (status < 400) return 'redirects are not followed: is its URL the right one?';
  if (status === 401 || status === 402 || status === 403 || status === 407)
    return 'check its secret, and what it wants to see';
  if (status === 404 || status === 410 || status === 421) return 'check its URL';
  if (status === 405 || status === 501) return 'it takes no POST there: check its URL';
  return 'it wants another form of request: check its URL and headers';
}
