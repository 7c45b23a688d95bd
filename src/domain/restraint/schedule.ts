/**
 * When alerts of a file may be sent: not before, not after, and in a daily window by the clock of a time zone. Pure; the zones are those of the
 * runtime (IANA), with their changes between summer and winter time.
 */
import { minuteOf, zoneClock } from './zone-clock.ts';

/** From and to in minutes since midnight there; 1440 is its end. `from` above `to`: over midnight. */
export interface DailyWindow {
  readonly from: number;
  readonly to: number;
  /** `Europe/Berlin` */
  readonly zone: string;
}

/** Why nothing of a file is sent just now, and when it is next. */
export interface Closed {
  readonly opensMs: number;
  /** What follows "waiting: ". */
  readonly text: string;
}

export interface Schedule {
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  readonly window?: DailyWindow;
}

export type Standing =
  /** `closesMs`: when that ends; Infinity: never. */
  | { readonly kind: 'open'; readonly closesMs: number }
  | ({ readonly kind: 'closed' } & Closed)
  /** It will not be open any more; `text`: the reason of alerts that are given up for it. */
  | { readonly kind: 'late'; readonly text: string };

const ALWAYS: Standing = { kind: 'open', closesMs: Number.POSITIVE_INFINITY };
const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;
/** Clocks are moved by less than this at a time; a window that falls into the hour that is left out opens the day after. */
const SCAN_BACK_MINUTES = 180;
const SCAN_MINUTES = 3 * DAY_MINUTES;

/** As it is at `nowMs`. undefined: the file may be sent at any time. */
export function standingOf(schedule: Schedule | undefined, nowMs: number): Standing {
  if (schedule === undefined) return ALWAYS;
  const { notBeforeMs = 0, notAfterMs = Number.POSITIVE_INFINITY, window } = schedule;
  if (nowMs >= notAfterMs) return { kind: 'late', text: `too late: not after ${isoOf(notAfterMs)}` };
  const dueMs = Math.max(nowMs, notBeforeMs);
  const opensMs = window === undefined || isOpen(window, dueMs) ? dueMs : nextChange(window, dueMs, true);
  if (opensMs >= notAfterMs) {
    const why = window === undefined ? 'it is due' : `its window (${windowText(window)}) is open next`;
    return { kind: 'late', text: `too late: ${why} at ${isoOf(opensMs)}, not before ${isoOf(notAfterMs)} is over` };
  }
  if (opensMs > nowMs) {
    const early = nowMs < notBeforeMs;
    const text = early || window === undefined ? 'it is not due yet' : `its window is closed (${windowText(window)})`;
    return { kind: 'closed', opensMs, text };
  }
  return {
    kind: 'open',
    closesMs: Math.min(notAfterMs, window === undefined ? notAfterMs : nextChange(window, nowMs, false)),
  };
}

/** `08:00-20:00 Europe/Berlin` */
export const windowText = ({ from, to, zone }: DailyWindow): string => `${clockText(from)}-${clockText(to)} ${zone}`;

function clockText(minutes: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

const isoOf = (ms: number): string => (Number.isFinite(ms) ? new Date(ms).toISOString().replace('.000Z', 'Z') : 'ever');

const isOpenAt = ({ from, to }: DailyWindow, minute: number): boolean =>
  from < to ? from <= minute && minute < to : minute >= from || minute < to;

const isOpen = (window: DailyWindow, atMs: number): boolean => isOpenAt(window, minuteOf(zoneClock(window.zone), atMs));

/** When the window opens next, or closes: a whole minute after `afterMs`. */
function nextChange(window: DailyWindow, afterMs: number, opens: boolean): number {
  const clock = zoneClock(window.zone);
  const isAt = (atMs: number): boolean => isOpenAt(window, minuteOf(clock, atMs)) === opens;
  const minuteMs = Math.floor(afterMs / MINUTE_MS) * MINUTE_MS;
  const edge = (opens ? window.from : window.to) % DAY_MINUTES;
  const ahead = (edge - minuteOf(clock, minuteMs) + DAY_MINUTES) % DAY_MINUTES || DAY_MINUTES;
  const likelyMs = minuteMs + ahead * MINUTE_MS;
  // Where no clock is moved until then it is that minute; the ones before tell.
  const sameOffset = minuteOf(clock, likelyMs) === edge && !isAt(likelyMs - MINUTE_MS) && isAt(likelyMs);
  if (sameOffset && ahead <= SCAN_BACK_MINUTES) return likelyMs;
  let atMs = Math.max(minuteMs + MINUTE_MS, likelyMs - SCAN_BACK_MINUTES * MINUTE_MS);
  for (let left = SCAN_MINUTES; left > 0; left--, atMs += MINUTE_MS) if (isAt(atMs)) return atMs;
  return atMs;
}
