// @slow: starts processes
/** The receiver as a process of its own: needs the compiled project, which `npm test` builds first. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bareUndici } from '../../bench/bare-undici.ts';
import type { ReceiverProcess } from '../../bench/receiver-process.ts';
import { startReceiverProcess } from '../../bench/receiver-process.ts';
import { readDeliveryLog } from '../../src/receiver/delivery-log.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'wds-receiver-process-'));
});
const started: ReceiverProcess[] = [];
afterEach(async () => {
  for (const receiver of started.splice(0)) await receiver.stop();
  await rm(folder, { recursive: true });
});

async function start(flags: readonly string[]): Promise<ReceiverProcess> {
  const receiver = await startReceiverProcess(flags);
  started.push(receiver);
  return receiver;
}

async function loggedIds(log: string): Promise<Set<string>> {
  const ids = new Set<string>();
  for await (const { webhookId } of readDeliveryLog(log)) ids.add(webhookId);
  return ids;
}

test.each(['request', 'dispatch'] as const)(
  'takes what bare undici sends with %s, and has it all in its log',
  async (api) => {
    const log = path.join(folder, 'log.tsv');
    const receiver = await start(['--log', log]);
    const result = await bareUndici(receiver.url, 500, 16, api);
    expect(result).toMatchObject({ count: 500, notAccepted: 0 });
    expect(await receiver.stats()).toMatchObject({ accepted: 500, uniqueIds: 500, repeated: 0 });
    await receiver.stop();
    expect((await loggedIds(log)).size).toBe(500);
  },
);

test('has every answered request in its log after a kill -9', async () => {
  const log = path.join(folder, 'log.tsv');
  const receiver = await start(['--log', log]);
  const answered: string[] = [];
  const lane = async (number: number): Promise<void> => {
    for (let i = 0; ; i++) {
      const headers = { 'webhook-id': `${number}-${i}` };
      const response = await fetch(receiver.url, { method: 'POST', headers, body: '{}' });
      await response.text();
      if (answered.push(headers['webhook-id']) === 300) receiver.kill('SIGKILL');
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: 8 }, (_, number) => lane(number)));
  expect(lanes.every((one) => one.status === 'rejected')).toBe(true);
  const logged = await loggedIds(log);
  expect(answered.filter((id) => !logged.has(id))).toEqual([]);
  expect(answered.length).toBeGreaterThanOrEqual(300);
});

test('can be turned while it is down', async () => {
  const receiver = await start(['--rate', '5', '--burst', '1']);
  await receiver.control({ down: true });
  await expect(fetch(receiver.url)).rejects.toThrow();
  await receiver.control({ down: false, rate: null, burst: null });
  expect(await bareUndici(receiver.url, 20, 2, 'request')).toMatchObject({ notAccepted: 0 });
  await expect(receiver.control({ status: 'ok' })).rejects.toThrow(/status: "ok"/);
});

test('says what is wrong with its flags', async () => {
  await expect(startReceiverProcess(['--rate', 'fast'])).rejects.toThrow(/did not start: .*rate: "fast" is not/);
  await expect(startReceiverProcess(['--speed', '9'])).rejects.toThrow(/did not start: .*--speed/);
});
