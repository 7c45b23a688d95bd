/** The clock on the wall of a time zone. Pure: the runtime's own tables of zones. */

/** Tells the time of day of a zone. */
export type ZoneClock = Intl.DateTimeFormat;

/** Throws RangeError where there is no such zone. */
export const zoneClock = (zone: string): ZoneClock =>
  new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
  });

export function isZone(zone: string): boolean {
  try {
    // Offsets are understood by some runtimes only, and know no summer time.
    return /^[A-Za-z]/.test(zone) && zoneClock(zone) !== undefined;
  } catch {
    return false;
  }
}

/** Minutes since midnight there. */
export function minuteOf(clock: ZoneClock, atMs: number): number {
  const { hour, minute } = partsOf(clock, atMs);
  return hour! * 60 + minute!;
}

/**
 * When that clock shows this time, given as if it were UTC. Where it does so twice: the first time; never, for clocks are put forward then: as
 * much later.
 */
export function whenShown(clock: ZoneClock, localMs: number): number {
  const offsetAt = (atMs: number): number => {
    const { year, month, day, hour, minute, second } = partsOf(clock, atMs);
    return Date.UTC(year!, month! - 1, day!, hour!, minute!, second!) - Math.floor(atMs / 1_000) * 1_000;
  };
  const DAY_MS = 24 * 3_600_000;
  const [before, after] = [localMs - offsetAt(localMs - DAY_MS), localMs - offsetAt(localMs + DAY_MS)];
  for (const candidate of [Math.min(before, after), Math.max(before, after)]) {
    if (candidate + offsetAt(candidate) === localMs) return candidate;
  }
  return before;
}

type Parts = Partial<Record<Intl.DateTimeFormatPartTypes, number>>;

function partsOf(clock: ZoneClock, atMs: number): Parts {
  const parts: Parts = {};
  for (const { type, value } of clock.formatToParts(atMs)) if (type !== 'literal') parts[type] = Number(value);
  return parts;
}
