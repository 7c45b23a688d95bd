import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Stretch, WindowResult } from '../../src/domain/contracts.ts';
import { alertsBefore, chunkStretch, countsOf, NOTHING_SENT, plus } from '../../src/domain/file-plan.ts';

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
