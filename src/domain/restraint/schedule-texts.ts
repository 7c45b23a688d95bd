/** How times and windows are written in settings. Each answers undefined for what it is not. Pure. */
import type { DailyWindow } from './schedule.ts';
import { isZone, whenShown, zoneClock } from './zone-clock.ts';

export const TIME_EXPECTED =
  'a time with its zone, such as 2026-12-24T08:00+01:00, 2026-12-24T07:00Z or 2026-12-24 08:00 Europe/Berlin';
export const WINDOW_EXPECTED =
  'hours with their time zone, such as 08:00-20:00 Europe/Berlin or 22:00-06:00 UTC, or always';

const TIME = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)? ?(\S+)$/;
const OFFSET = /^([+-])(\d\d):?(\d\d)$/;
const WINDOW = /^(\d{1,2}):(\d\d) ?[-–] ?(\d{1,2}):(\d\d) (\S+)$/;

/** Milliseconds since 1970. */
export function timeOf(text: string): number | undefined {
  const [, year, month, day, hour, minute, second = '0', zone = ''] = TIME.exec(text.trim()) ?? [];
  if (year === undefined) return undefined;
  const [y, m, d, h, mi, s] = [year, month, day, hour, minute, second].map(Number) as [
    ...[number, number, number, number, number, number],
  ];
  const localMs = Date.UTC(y, m - 1, d, h, mi, s);
  const shown = new Date(localMs).toISOString();
  // Of the 30th of February another day would be made.
  if (h > 23 || mi > 59 || s > 59 || !shown.startsWith(`${year}-${month}-${day}`)) return undefined;
  if (zone === 'Z' || zone === 'z') return localMs;
  const [, sign, hours, minutes] = OFFSET.exec(zone) ?? [];
  if (sign !== undefined) {
    const offset = (Number(hours) * 60 + Number(minutes)) * 60_000;
    return Number(hours) > 14 || Number(minutes) > 59 ? undefined : localMs - (sign === '+' ? offset : -offset);
  }
  return isZone(zone) ? whenShown(zoneClock(zone), localMs) : undefined;
}

/** `always`: at any time. */
export function windowOf(text: string): DailyWindow | 'always' | undefined {
  if (text.trim() === 'always') return 'always';
  const [, fromHour, fromMinute, toHour, toMinute, zone = ''] = WINDOW.exec(text.trim()) ?? [];
  if (fromHour === undefined || !isZone(zone) || Number(fromMinute) > 59 || Number(toMinute) > 59) return undefined;
  const from = Number(fromHour) * 60 + Number(fromMinute);
  const to = Number(toHour) * 60 + Number(toMinute);
  return from > 1_439 || to > 1_440 || from === to ? undefined : { from, to, zone };
}
