import { expect, test } from 'vitest';
import type { ForgetOrder, ForgetResult } from '../../src/app/keeping/keeping.ts';
import type { Scene } from './fake-app.ts';
import { wds } from './fake-app.ts';

const FILES = [
  { file: 'a.csv', sha256: 'a'.repeat(64), alerts: 1 },
  { file: 'b.csv', sha256: 'b'.repeat(64), alerts: 0 },
];

async function forget(args: readonly string[], scene: Scene = {}, files: ForgetResult['files'] = FILES) {
  const orders: ForgetOrder[] = [];
  const keeping: Scene['keeping'] = {
    forget: async (_home, order) => {
      orders.push(order);
      const plan = { userId: order.userId, files: files as never };
      return { erased: files.length > 0 && !order.dryRun && (await order.confirm(plan)), files };
    },
  };
  return { ...(await wds(['forget', ...args], { keeping, ...scene })), orders };
}

test('erases with --yes, and says from which files', async () => {
  const { code, out } = await forget(['4711', '--yes']);
  expect(code).toBe(0);
  expect(out.split('\n')).toEqual([
    '4711 is erased from 2 files:',
    '  a.csv: 1 alert',
    '  b.csv: rows that were no alerts',
    'Receipts stay, by line and without the user. Backups, and what your receiver keeps, are yours to erase.',
    '',
  ]);
});

test('asks a person, and erases after yes alone', async () => {
  const questions: string[] = [];
  const answering = (answer: string): Scene => ({
    ask: async (question) => {
      questions.push(question);
      return answer;
    },
  });
  expect(await forget(['4711'], answering(' Yes'))).toMatchObject({
    code: 0,
    out: expect.stringContaining('is erased'),
  });
  for (const answer of ['', 'y', 'no']) {
    expect(await forget(['4711'], answering(answer))).toMatchObject({ code: 6, out: 'Nothing was erased.\n' });
  }
  expect(questions[0]).toContain('Erase 4711 from 2 files, for good?');
});

test('without anybody to be asked it needs --yes, or only looks', async () => {
  const { code, err, orders } = await forget(['4711']);
  expect({ code, orders }).toEqual({ code: 2, orders: [] });
  expect(err).toContain('--yes');
  const look = await forget(['4711', '--dry-run']);
  expect(look).toMatchObject({ code: 0, out: expect.stringContaining('would be erased from 2 files') });
  expect(JSON.parse((await forget(['4711', '--dry-run', '-o', 'json'])).out)).toEqual({ erased: false, files: FILES });
});

test('a user who is nowhere is not found', async () => {
  expect(await forget(['4711', '--yes'], {}, [])).toMatchObject({
    code: 5,
    out: '4711 is in no file that wds keeps.\n',
  });
  expect(await forget(['', '--yes'])).toMatchObject({ code: 2, orders: [] });
});
