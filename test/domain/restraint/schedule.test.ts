// @slow: each minute of a year
import { describe, expect, test } from 'vitest';
import type { Schedule } from '../../../src/domain/restraint/schedule.ts';
import { standingOf } from '../../../src/domain/restraint/schedule.ts';
import { timeOf, windowOf } from '../../../src/domain/restraint/schedule-texts.ts';

const at = (iso: string): number => Date.parse(iso);
const window = (text: string): Pick<Schedule, 'window'> => ({
  window: windowOf(text) as NonNullable<Schedule['window']>,
});
const BERLIN = window('08:00-20:00 Europe/Berlin');

function told(schedule: Schedule, iso: string): string {
  const standing = standingOf(schedule, at(iso));
  if (standing.kind === 'late') return standing.text;
  const ms = standing.kind === 'open' ? standing.closesMs : standing.opensMs;
  return `${standing.kind} until ${Number.isFinite(ms) ? new Date(ms).toISOString().replace(':00.000Z', 'Z') : 'ever'}`;
}

describe('a daily window', () => {
  test.each([
    ['before it', '2026-01-05T06:59:59Z', 'closed until 2026-01-05T07:00Z'],
    ['when it opens', '2026-01-05T07:00:00Z', 'open until 2026-01-05T19:00Z'],
    ['within it', '2026-01-05T12:34:56Z', 'open until 2026-01-05T19:00Z'],
    ['when it closes', '2026-01-05T19:00:00Z', 'closed until 2026-01-06T07:00Z'],
    ['in summer', '2026-07-01T05:00:00Z', 'closed until 2026-07-01T06:00Z'],
    ['in the night in which clocks are put forward', '2026-03-28T20:00:00Z', 'closed until 2026-03-29T06:00Z'],
    ['in the night in which they are put back', '2026-10-24T20:00:00Z', 'closed until 2026-10-25T07:00Z'],
    ['on the day on which they are put back', '2026-10-25T07:00:00Z', 'open until 2026-10-25T19:00Z'],
  ])('%s', (_when, now, expected) => {
    expect(told(BERLIN, now)).toBe(expected);
  });

  test.each([
    ['before midnight', '2026-01-05T23:00:00Z', 'open until 2026-01-06T06:00Z'],
    ['after midnight', '2026-01-06T05:59:00Z', 'open until 2026-01-06T06:00Z'],
    ['by day', '2026-01-06T06:00:00Z', 'closed until 2026-01-06T22:00Z'],
  ])('over midnight, %s', (_when, now, expected) => {
    expect(told(window('22:00-06:00 UTC'), now)).toBe(expected);
  });

  test('over midnight, through the hour that is left out and the one that comes twice', () => {
    const night = window('22:00-06:00 Europe/Berlin');
    expect(told(night, '2026-03-28T22:00:00Z')).toBe('open until 2026-03-29T04:00Z');
    expect(told(night, '2026-10-24T22:00:00Z')).toBe('open until 2026-10-25T05:00Z');
  });

  test('that begins in the hour that is left out opens when clocks are put forward', () => {
    expect(told(window('02:30-04:00 Europe/Berlin'), '2026-03-29T00:00:00Z')).toBe('closed until 2026-03-29T01:00Z');
  });

  test('that lies within the hour that is left out opens the day after', () => {
    expect(told(window('02:10-02:50 Europe/Berlin'), '2026-03-29T00:30:00Z')).toBe('closed until 2026-03-30T00:10Z');
  });

  test('to the end of the day, and in a zone with half an hour', () => {
    expect(told(window('09:00-24:00 Asia/Kolkata'), '2026-01-05T18:00:00Z')).toBe('open until 2026-01-05T18:30Z');
    expect(told(window('09:00-24:00 Asia/Kolkata'), '2026-01-05T18:30:00Z')).toBe('closed until 2026-01-06T03:30Z');
  });

  test('never differs from a look at each minute, over a year of three zones', () => {
    for (const text of [
      '08:00-20:00 Europe/Berlin',
      '23:30-01:30 America/New_York',
      '02:15-02:45 Australia/Lord_Howe',
    ]) {
      const schedule = window(text);
      for (
        let now = at('2026-01-01T00:07:00Z');
        now < at('2027-01-01T00:00:00Z');
        now += 11 * 3_600_000 + 13 * 60_000
      ) {
        const standing = standingOf(schedule, now);
        const changes = standing.kind === 'open' ? standing.closesMs : (standing as { opensMs: number }).opensMs;
        expect(standingOf(schedule, changes - 60_000).kind, `${text} ${now}`).toBe(standing.kind);
        expect(standingOf(schedule, changes).kind, `${text} ${now}`).not.toBe(standing.kind);
      }
    }
  });
});

describe('a file that is due at a time', () => {
  const due = { notBeforeMs: at('2026-01-05T12:00:00Z'), notAfterMs: at('2026-01-05T18:00:00Z') };
  test.each([
    ['2026-01-05T11:00:00Z', 'closed until 2026-01-05T12:00Z'],
    ['2026-01-05T12:00:00Z', 'open until 2026-01-05T18:00Z'],
    ['2026-01-05T18:00:00Z', 'too late: not after 2026-01-05T18:00:00Z'],
  ])('is at %s %s', (now, expected) => {
    expect(told(due, now)).toBe(expected);
  });

  test('waits for the first window after that', () => {
    expect(told({ notBeforeMs: at('2026-01-05T20:00:00Z'), ...BERLIN }, '2026-01-05T12:00:00Z')).toBe(
      'closed until 2026-01-06T07:00Z',
    );
  });

  test('is too late at once where its window does not open in time', () => {
    expect(told({ notAfterMs: at('2026-01-06T06:00:00Z'), ...BERLIN }, '2026-01-05T19:30:00Z')).toMatch(
      /^too late: its window/,
    );
    expect(told({ notAfterMs: at('2026-01-06T06:00:00Z'), ...BERLIN }, '2026-01-05T18:30:00Z')).toBe(
      'open until 2026-01-05T19:00Z',
    );
  });

  test('may be sent at any time where nothing is said', () => {
    expect(told({}, '2026-01-05T11:00:00Z')).toBe('open until ever');
    expect(standingOf(undefined, 0)).toEqual({ kind: 'open', closesMs: Number.POSITIVE_INFINITY });
  });
});

describe('times in settings', () => {
  test.each([
    ['2026-12-24T08:00+01:00', '2026-12-24T07:00:00.000Z'],
    ['2026-12-24T07:00Z', '2026-12-24T07:00:00.000Z'],
    ['2026-12-24 08:00:30 Europe/Berlin', '2026-12-24T07:00:30.000Z'],
    ['2026-06-24 08:00 Europe/Berlin', '2026-06-24T06:00:00.000Z'],
    ['2026-03-29 02:30 Europe/Berlin', '2026-03-29T01:30:00.000Z'],
    ['2026-10-25 02:30 Europe/Berlin', '2026-10-25T00:30:00.000Z'],
    ['2026-12-24T08:00:00.123-0530', '2026-12-24T13:30:00.000Z'],
  ])('%s is %s', (text, iso) => {
    expect(new Date(timeOf(text)!).toISOString()).toBe(iso);
  });

  test.each([
    '2026-12-24',
    '2026-12-24T08:00',
    '08:00 UTC',
    '2026-02-30T08:00Z',
    '2026-12-24T24:00Z',
    '2026-12-24T08:00 Nowhere/City',
    '2026-12-24T08:00+99:00',
    '',
  ])('%j is none', (text) => {
    expect(timeOf(text)).toBeUndefined();
  });

  test.each([
    ['08:00-20:00 Europe/Berlin', { from: 480, to: 1200, zone: 'Europe/Berlin' }],
    ['8:00 – 20:30 UTC', { from: 480, to: 1230, zone: 'UTC' }],
    ['22:00-06:00 UTC', { from: 1320, to: 360, zone: 'UTC' }],
    ['00:00-24:00 UTC', { from: 0, to: 1440, zone: 'UTC' }],
    ['always', 'always'],
  ])('the window %s', (text, expected) => {
    expect(windowOf(text)).toEqual(expected);
  });

  test.each([
    '08:00-20:00',
    '08:00-08:00 UTC',
    '08:00-25:00 UTC',
    '24:00-08:00 UTC',
    '8-20 UTC',
    '08:60-20:00 UTC',
    '08:00-20:00 Berlin',
    '08:00-20:00 +01:00',
  ])('%j is no window', (text) => {
    expect(windowOf(text)).toBeUndefined();
  });
});
