/** A few users whose alerts are never answered hold up nobody else, and come to their own end. */
import { describe, expect } from 'vitest';
import { alerts, asCsv } from '../support/alert-files.ts';
import { test } from '../support/e2e-test.ts';
import { listen } from '../support/scripted-receiver.ts';

const SILENT = /^silent-/;
const mixed = (name: string, silent: number, good: number) =>
  alerts(silent + good).map(({ userId, alertMessage }, index) => ({
    userId: `${index < silent ? 'silent' : 'good'}-${name}-${userId}`,
    alertMessage,
  }));

describe.concurrent('silent users in three files', () => {
  test('leave a good file its pace, are asked as often as is allowed, and their files end', async ({
    site,
    onTestFinished,
  }) => {
    const { receiver, url, close } = await listen();
    onTestFinished(close);
    receiver.script = ({ userId }) => ({ status: 200, ...(SILENT.test(userId) ? { silent: true } : {}) });
    await site.configure(url, { rate: 100, timeoutSeconds: 3, maximumUnanswered: 2 });
    await site.worker();
    const files = ['a', 'b', 'c'].map((name) => ({ name, rows: mixed(name, 6, 20) }));
    const ends = files.map(async ({ name, rows }) => site.send(await site.write(`${name}.csv`, asCsv(rows))));
    const good = mixed('own', 0, 400);
    const sent = await site.send(await site.write('good.csv', asCsv(good)));
    expect(sent).toMatchObject({ code: 0, result: { delivered: 400 } });
    for (const end of await Promise.all(ends)) {
      expect(end).toMatchObject({ code: 4, result: { delivered: 20, unconfirmed: 6, undelivered: 0 } });
    }
    const asked = new Map<string, number>();
    for (const { userId } of receiver.arrivals) asked.set(userId, (asked.get(userId) ?? 0) + 1);
    expect([...asked].filter(([userId, nth]) => nth !== (SILENT.test(userId) ? 2 : 1))).toEqual([]);
    // While the silent ones were waited for, 3 s each time, the good ones came one after the other.
    const arrived = receiver.arrivals.filter(({ userId }) => userId.startsWith('good-own')).map(({ atMs }) => atMs);
    const longestGapMs = Math.max(...arrived.slice(1).map((atMs, index) => atMs - arrived[index]!));
    expect(longestGapMs).toBeLessThan(3_000);
  });
});
