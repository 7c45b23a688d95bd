import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Stretch, WindowResult } from '../../src/domain/contracts.ts';
import { minus, NOTHING_SENT, plus } from '../../src/domain/counts.ts';
import { alertsBefore, chunkStretch, countsOf, differenceFrom, sameLayout } from '../../src/domain/file-plan.ts';

/** Windows of so many alerts, chunked as the reader does. */
function windowsOf(alerts: readonly number[], chunkSize: number): WindowResult[] {
  let firstChunk = 1;
  return alerts.map((count, index) => {
    const chunks = Math.ceil(count / chunkSize);
    const lastChunkAlerts = chunks === 0 ? 0 : count - (chunks - 1) * chunkSize;
    const window = { window: index + 1, rows: count + 3, alerts: count, invalid: 1, duplicates: 2, origins: 0 };
    const result: WindowResult = { ...window, firstChunk, chunks, lastChunkAlerts, next: null };
    firstChunk += chunks;
    return result;
  });
}

test('the chunks of all windows, one after another, hold each alert once, also where windows hold none', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(25), { maxLength: 6 }), fc.integer({ min: 1, max: 10 }), (alerts, chunkSize) => {
      const windows = windowsOf(alerts, chunkSize);
      let seen = 0;
      let stretch: Stretch | undefined;
      for (let chunk = 1; ; chunk++) {
        stretch = chunkStretch(windows, chunkSize, chunk);
        if (stretch === undefined) break;
        expect(stretch).toMatchObject({ chunk, from: 0 });
        expect(stretch.to).toBeGreaterThan(0);
        expect(alertsBefore(windows, chunkSize, stretch)).toBe(seen);
        seen += stretch.to;
      }
      expect(seen).toBe(alerts.reduce((sum, count) => sum + count, 0));
    }),
    { seed: 2 },
  );
});

test('chunks that long texts ended early are as long as the reader says', () => {
  const [first, second] = windowsOf([9, 4], 4);
  const windows = [
    { ...first!, chunks: 3, chunkAlerts: [4, 2, 3], lastChunkAlerts: 3 },
    { ...second!, firstChunk: 4 },
  ];
  const stretches = [1, 2, 3, 4, 5].map((chunk) => chunkStretch(windows, 4, chunk));
  expect(stretches.map((stretch) => stretch?.to)).toEqual([4, 2, 3, 4, undefined]);
  expect(stretches.slice(0, 4).map((stretch) => alertsBefore(windows, 4, stretch!))).toEqual([0, 4, 6, 9]);
});

test('the counts sum up to the rows', () => {
  const sent = plus(
    { ...NOTHING_SENT, delivered: 4, rejected: 1 },
    { ...NOTHING_SENT, undelivered: 2, unconfirmed: 3 },
  );
  const counts = countsOf(windowsOf([12, 8], 5), sent);
  expect(counts).toMatchObject({ rows: 26, alerts: 20, delivered: 4, pending: 10, invalid: 2, duplicates: 4 });
  const { delivered, rejected, undelivered, unconfirmed, pending, invalid, duplicates } = counts;
  expect(delivered + rejected + undelivered + unconfirmed + pending + invalid + duplicates).toBe(counts.rows);
});

test('deliveries of earlier rounds are no deliveries of this one', () => {
  const windows = windowsOf([20], 5);
  const sent = plus(
    { ...NOTHING_SENT, delivered: 4, deliveredBefore: 3 },
    { ...NOTHING_SENT, delivered: 5, deliveredBefore: 1 },
  );
  expect(countsOf(windows, sent)).toMatchObject({ delivered: 9, sentNow: 5 });
  expect(countsOf(windows, minus(sent, { ...NOTHING_SENT, delivered: 5, deliveredBefore: 1 }))).toMatchObject({
    ...{ delivered: 4, sentNow: 1 },
  });
  expect(countsOf(windows, sent)).not.toHaveProperty('deliveredBefore');
});

test('a report differs where it shows other rows, or fewer deliveries; late answers explain more of them', () => {
  const seen = countsOf(windowsOf([12, 8], 5), { ...NOTHING_SENT, delivered: 9, unconfirmed: 2 });
  expect(differenceFrom(seen, seen)).toBeUndefined();
  expect(differenceFrom(seen, { ...seen, delivered: 11, unconfirmed: 0 })).toBeUndefined();
  expect(differenceFrom(seen, { ...seen, delivered: 8, pending: 99 })).toBe('8 alerts delivered where 9 were');
  expect(differenceFrom(seen, { ...seen, rows: 0 })).toBe('0 rows where 26 were read');
  for (const name of ['alerts', 'invalid', 'duplicates'] as const) {
    expect(differenceFrom(seen, { ...seen, [name]: seen[name] + 1 })).toContain(name);
  }
});

test('a window that was read twice is the same if its rows are in the same chunks, whatever was counted beside', () => {
  const [window] = windowsOf([12], 5);
  const reasons = { bad_csv: { rows: 1, firstLine: 3 } };
  expect(sameLayout(window!, { ...window!, invalidReasons: reasons })).toBe(true);
  expect(sameLayout(window!, { ...window!, chunkAlerts: [4, 5, 3] })).toBe(false);
  expect(sameLayout(window!, { ...window!, next: { byteOffset: 1, nextLine: 2 } })).toBe(false);
});
