import { expect, test } from 'vitest';
import { watchDisk } from '../../src/app/disk-watch.ts';
import type { Notice } from '../../src/domain/notices/notice.ts';

const MIB = 1_048_576;

test('where nothing is kept free nobody is told', async () => {
  const told: Notice[] = [];
  const stop = new AbortController();
  await watchDisk({
    settings: { home: '/var/wds', minFreeBytes: 0 },
    tell: async (notice) => void told.push(notice),
    signal: stop.signal,
    everyMs: 1,
    look: async () => {
      stop.abort();
      return { freeBytes: 0, sizeBytes: 100_000 * MIB };
    },
  });
  expect(told).toEqual([]);
});

test('a disk that gets low is told once, and again only after there was room', async () => {
  const free = [10_000, 1_900, 1_500, 2_100, 1_900, 3_000, 900];
  const told: Notice[] = [];
  const stop = new AbortController();
  await watchDisk({
    settings: { home: '/var/wds', minFreeBytes: 1_000 * MIB },
    tell: async (notice) => void told.push(notice),
    signal: stop.signal,
    everyMs: 1,
    look: async () => {
      const freeMiB = free.shift();
      if (free.length === 0) stop.abort();
      return freeMiB === undefined ? undefined : { freeBytes: freeMiB * MIB, sizeBytes: 100_000 * MIB };
    },
  });
  expect(told.map(({ details }) => details?.freeBytes)).toEqual([1_900 * MIB, 900 * MIB]);
  expect(told[0]).toMatchObject({ type: 'disk.low', subject: '/var/wds/store' });
  expect(told[0]!.text).toContain('is nearly full: 1.9 GiB are free');
});
