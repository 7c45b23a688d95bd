import { describe, expect, test } from 'vitest';
import type { ProgressUpdate } from '../../src/app/app.ts';
import { ProgressDisplay, progressLines, progressText, ratePerSecond } from '../../src/cli/progress.ts';
import { Terminal } from '../../src/cli/terminal.ts';
import type { FileCounts, FileProgress } from '../../src/domain/counts.ts';

function update(
  counts: Partial<FileCounts>,
  phase: FileProgress['phase'] = 'sending',
  openStubborn = 0,
): ProgressUpdate {
  const none = {
    rows: 0,
    alerts: 0,
    delivered: 0,
    rejected: 0,
    undelivered: 0,
    unconfirmed: 0,
    invalid: 0,
    duplicates: 0,
  };
  return { file: 'a.csv', progress: { phase, counts: { ...none, pending: 0, ...counts }, openStubborn } };
}

const ASKED = {
  why: 'asked',
  text: 'the receiver asked for a pause (HTTP 429)',
  since: null,
  until: null,
} as const;

describe('the text', () => {
  const text = (given: ProgressUpdate, rate?: number, others = 0): string => progressText(given, rate, others);

  test('while reading counts rows', () => {
    expect(text(update({ rows: 500_000 }, 'reading'), 5)).toBe('a.csv  reading  500,000 rows');
  });

  test('while sending shows share, rate and time left', () => {
    const given = update({ alerts: 3_000, delivered: 1_200 });
    expect(text(given, 99.4)).toBe('a.csv  sending  1,200 of 3,000 (40%)  99/s  18 s left');
    expect(text({ ...given, limitPerSecond: 100 }, 99.4)).toBe(
      'a.csv  sending  1,200 of 3,000 (40%)  99/s of 100/s  18 s left',
    );
  });

  test('names failures, unconfirmed and stubborn alerts, and other files', () => {
    const given = update({ alerts: 10, delivered: 4, rejected: 1, undelivered: 1, unconfirmed: 1 }, 'sending', 2);
    expect(text(given, undefined, 1)).toBe(
      'a.csv  sending  7 of 10 (70%)  2 failed  1 unconfirmed  2 being retried  and 1 more file',
    );
  });

  test('promises no time while nothing moves, and shows slow rates with a decimal', () => {
    expect(text(update({ alerts: 10 }), 0)).toBe('a.csv  sending  0 of 10 (0%)  0.0/s');
    expect(text(update({ alerts: 10, delivered: 5 }), 0.5)).toContain('0.5/s  10 s left');
  });

  test('says why it does not get on, and until when', () => {
    const until = new Date('2001-01-01T14:03:10').toISOString();
    expect(text({ ...update({ alerts: 10 }), waiting: { ...ASKED, until } })).toBe(
      'a.csv  sending  0 of 10 (0%)  waiting: the receiver asked for a pause (HTTP 429), until 2001-01-01 14:03:10',
    );
  });

  test('of a file without alerts is at 100%', () => {
    expect(text(update({}, 'reporting'))).toBe('a.csv  reporting  0 of 0 (100%)');
  });
});

test('the rate is unknown for the first half second', () => {
  expect(ratePerSecond([])).toBeUndefined();
  expect(
    ratePerSecond([
      { atMs: 0, settled: 0 },
      { atMs: 499, settled: 9 },
    ]),
  ).toBeUndefined();
  expect(
    ratePerSecond([
      { atMs: 0, settled: 10 },
      { atMs: 2_000, settled: 210 },
    ]),
  ).toBe(100);
});

function display(isTTY: boolean): { show: ProgressDisplay; written: () => string; setMs: (ms: number) => void } {
  let text = '';
  let nowMs = 0;
  const stream = {
    isTTY,
    columns: 60,
    write(piece: string) {
      text += piece;
    },
  };
  const terminal = new Terminal({ stdout: stream, stderr: stream, env: {} });
  const setMs = (ms: number): void => {
    nowMs = ms;
  };
  return { show: new ProgressDisplay(terminal, () => nowMs), written: () => text, setMs };
}

describe('the lines of a file on a screen', () => {
  test('have a bar, and the reason of waiting beside the counts where there is room, below them where there is not', () => {
    const given = { ...update({ alerts: 3_000, delivered: 1_200 }), limitPerSecond: 100 };
    expect(progressLines(given, 99.4, 80)).toEqual([
      'a.csv  ━━━━╌╌╌╌╌╌╌╌  1,200 of 3,000 (40%)  99/s of 100/s  18 s left',
    ]);
    const waits = { ...given, waiting: ASKED };
    expect(progressLines(waits, 0, 120)).toEqual([
      'a.csv  ━━━━╌╌╌╌╌╌╌╌  1,200 of 3,000 (40%)  waiting: the receiver asked for a pause (HTTP 429)',
    ]);
    expect(progressLines(waits, 0, 80)).toEqual([
      'a.csv  ━━━━╌╌╌╌╌╌╌╌  1,200 of 3,000 (40%)',
      '  waiting: the receiver asked for a pause (HTTP 429)',
    ]);
  });

  test('of a file with a long name keep its beginning and its end', () => {
    const [line] = progressLines({ ...update({}, 'reading'), file: `alerts-${'x'.repeat(50)}-2026.csv` }, 0, 80);
    expect(line).toMatch(/^alerts-x+…x+-2026\.csv {2}reading {2}0 rows$/);
    expect(line!.split('  ')[0]).toHaveLength(28);
  });
});

describe('on a terminal', () => {
  test('the line is updated at most every 100 ms and removed at the end', () => {
    const { show, setMs, written } = display(true);
    for (let ms = 0; ms <= 1_000; ms += 10) {
      setMs(ms);
      show.update(update({ alerts: 1_000, delivered: ms }));
    }
    expect(written().split('a.csv')).toHaveLength(12);
    expect(written()).not.toContain('\n');
    show.ended('a.csv');
    expect(written().endsWith('\r\u001b[2K')).toBe(true);
  });

  test('each file has a line that stays in its place; of many there is the number', () => {
    const { show, setMs, written } = display(true);
    const names = Array.from({ length: 10 }, (_, at) => `${at}.csv`);
    for (const round of [0, 1]) {
      for (const file of names) {
        setMs(round * 1_000 + 100 * names.indexOf(file));
        show.update({ ...update({ alerts: 10 }), file });
      }
    }
    const last = written().split('\r\u001b[2K').at(-1)!;
    const lines = last.replaceAll('\u001b[1A\u001b[2K', '').split('\n');
    expect(lines.map((line) => line.split('  ')[0])).toEqual([...names.slice(0, 8), 'and 2 more files']);
    for (const file of names) show.ended(file);
    expect(written().endsWith('\u001b[2K')).toBe(true);
  });

  test('the rate follows the last ten seconds', () => {
    const { show, setMs, written } = display(true);
    for (let second = 0; second <= 30; second++) {
      setMs(second * 1_000);
      show.update(update({ alerts: 10_000, delivered: second <= 15 ? second * 500 : 7_500 + (second - 15) * 10 }));
    }
    expect(written()).toMatch(/ {2}10\/s[^\r]*$/);
  });
});

describe('elsewhere', () => {
  test('there is a line every five seconds, the first after five', () => {
    const { show, setMs, written } = display(false);
    for (let ms = 0; ms <= 12_000; ms += 100) {
      setMs(ms);
      show.update(update({ alerts: 1_000, delivered: 10 }));
    }
    show.ended('a.csv');
    expect(written().trimEnd().split('\n')).toHaveLength(2);
    expect(written()).not.toContain('\r');
  });

  test('there is one at once when the reason of waiting changes, and none while it stays', () => {
    const { show, setMs, written } = display(false);
    for (let ms = 0; ms <= 60_000; ms += 500) {
      setMs(ms);
      const waits = ms >= 2_000 && ms < 58_000 ? { waiting: ASKED } : {};
      show.update({ ...update({ alerts: 10, delivered: ms < 58_000 ? 1 : 2 }), ...waits });
    }
    const lines = written().trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toBe('a.csv  sending  1 of 10 (10%)  waiting: the receiver asked for a pause (HTTP 429)');
    expect(lines[1]).toMatch(/^a\.csv {2}sending {2}2 of 10 \(20%\)/);
  });
});
