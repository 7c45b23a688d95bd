import { expect, test } from 'vitest';
import type { PruneOrder } from '../../src/app/keeping/keeping.ts';
import type { PruneResult } from '../../src/app/keeping/prune.ts';
import { DAY_MS } from '../../src/config/settings.ts';
import { NOTHING_PRUNED, wds } from './fake-app.ts';

async function prune(args: readonly string[], result: PruneResult = NOTHING_PRUNED, env: Record<string, string> = {}) {
  const orders: PruneOrder[] = [];
  const keeping = {
    prune: async (_home: unknown, order: PruneOrder) => {
      orders.push(order);
      return result;
    },
  };
  return { ...(await wds(['prune', ...args], { keeping, env })), orders };
}

const ALL = (days: number) => ({
  ...{ original: days * DAY_MS, content: days * DAY_MS, chunks: days * DAY_MS, reports: days * DAY_MS },
});

test.each([
  [['--older-than', '30'], ALL(30)],
  [['--older-than', '7', '--part', 'original,reports'], { original: 7 * DAY_MS, reports: 7 * DAY_MS }],
  [['alerts.csv'], ALL(0)],
])('wds prune %j says how old', async (args, retainMs) => {
  const { code, orders } = await prune(args);
  expect({ code, retainMs: orders[0]?.retainMs }).toEqual({ code: 0, retainMs });
});

test('store.retainDays says it, where nothing else does', async () => {
  expect((await prune([], NOTHING_PRUNED, { WDS_RETAIN_DAYS: '90' })).orders).toMatchObject([
    { retainMs: ALL(90), file: undefined, force: false, dryRun: false },
  ]);
  const { code, err, orders } = await prune(['--dry-run']);
  expect({ code, orders }).toEqual({ code: 2, orders: [] });
  expect(err).toContain('store.retainDays');
});

test('an unknown part is a usage error', async () => {
  expect(await prune(['--older-than', '1', '--part', 'receipts'])).toMatchObject({ code: 2, orders: [] });
});

const RESULT: PruneResult = {
  dryRun: true,
  bytes: 3_145_728,
  parts: {
    ...NOTHING_PRUNED.parts,
    content: { files: 2, bytes: 2_097_152 },
    chunks: { files: 1, bytes: 1_048_576 },
  },
  files: [
    { file: 'a.csv', sha256: 'a'.repeat(64), parts: { content: 1_048_576, chunks: 1_048_576 } },
    { file: 'b.csv', sha256: 'b'.repeat(64), parts: { content: 1_048_576 } },
  ],
  kept: [{ file: 'c.csv', sha256: 'c'.repeat(64), why: '2 alerts were not delivered', forceable: true }],
};

test('tells part by part what would go, of which files, and what is kept and why', async () => {
  const { out } = await prune(['--older-than', '30', '--dry-run'], RESULT);
  expect(out.split('\n')).toEqual([
    'PART     FILES  BYTES',
    'content      2  2 MiB',
    'chunks       1  1 MiB',
    '',
    '  a.csv: content 1 MiB, chunks 1 MiB',
    '  b.csv: content 1 MiB',
    'Would remove 3 MiB of 2 files. Receipts stay.',
    '',
    'Old enough, and kept: 1 file',
    '  c.csv: 2 alerts were not delivered (--force removes it)',
    '',
  ]);
  expect(JSON.parse((await prune(['--older-than', '30', '-o', 'json'], RESULT)).out)).toEqual(RESULT);
});
