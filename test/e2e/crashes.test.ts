/**
 * Processes that are killed, stopped or told to end in the middle of a file. The receiver's log says what really arrived: nobody may be
 * missed, and whoever may have been alerted twice must be named in the report.
 */
import { describe, expect } from 'vitest';
import type { TestAlert } from './support/alert-files.ts';
import { alerts, asCsv } from './support/alert-files.ts';
import { test } from './support/e2e-test.ts';
import type { Site } from './support/site.ts';
import { EACH_ONCE } from './support/test-receiver.ts';
import type { WdsProcess } from './support/wds-process.ts';

/** Makes a file of some thousand alerts last for a second or two, with 64 requests open at any time. */
const SLOW = ['--latency', '40ms', '--jitter', '20ms'];
const COUNT = 4_000;
const CONNECTIONS = 64;
/** A lost request is settled when this has passed; the default of 15 s would only make the tests wait. */
const timeoutSeconds = 2;
/** 10 s until a missing heartbeat is noticed (10.3 s measured on a quiet machine); the rest is for a busy one. */
const LONGEST_SILENCE_SECONDS = 25;

interface Delivery {
  readonly input: readonly TestAlert[];
  readonly path: string;
  readonly sender: WdsProcess;
  readonly following: ReturnType<Site['send']>;
}

/** A file on its way, with a reader and a sender of its own. */
async function startDelivery(site: Site, receiver: readonly string[], endpoint: object = {}): Promise<Delivery> {
  await site.receive(receiver, endpoint);
  const [, sender] = await Promise.all([site.worker('files'), site.worker('alerts')]);
  const input = alerts(COUNT);
  const path = await site.write('alerts.csv', asCsv(input));
  return { input, path, sender, following: site.send(path) };
}

async function killInMidFile(site: Site, victim: WdsProcess, atRequests: number): Promise<number> {
  await site.receiver.reaches(atRequests);
  victim.kill('SIGKILL');
  await victim.ended;
  const killedMs = Date.now();
  expect((await site.receiver.requests()).length).toBeLessThan(COUNT);
  return killedMs;
}

/** The longest time without any request after `afterMs`, in seconds. */
async function longestSilence(site: Site, afterMs: number): Promise<number> {
  const times = (await site.receiver.requests()).map(({ atMs }) => atMs).filter((atMs) => atMs > afterMs);
  const gaps = [afterMs, ...times].map((atMs, at, all) => (all[at + 1] ?? atMs) - atMs);
  return Math.max(...gaps) / 1_000;
}

describe('a worker that is killed in mid-file, policy resend', () => {
  for (const killedAt of [3, 700, 2_500]) {
    test.concurrent(`at ${killedAt} requests: nobody is missed, and whoever was alerted twice is named`, async ({
      site,
    }) => {
      const { input, sender, following } = await startDelivery(site, SLOW, { timeoutSeconds });
      const killedMs = await killInMidFile(site, sender, killedAt);
      await site.worker('alerts');
      const { code, result } = await following;
      expect(code).toBe(0);
      expect(result).toMatchObject({ alerts: COUNT, delivered: COUNT, unconfirmed: 0 });

      const verdict = await site.receiver.verdict(input);
      expect({ ...verdict, repeated: [] }).toEqual(EACH_ONCE);
      const ambiguous = (await site.report(result, 'ambiguous.csv')).map(({ userId }) => userId);
      expect(ambiguous).toEqual(expect.arrayContaining([...verdict.repeated]));
      expect(ambiguous.length).toBeLessThanOrEqual(CONNECTIONS);
      expect(await longestSilence(site, killedMs)).toBeLessThan(LONGEST_SILENCE_SECONDS);
    });
  }

  test.concurrent('together with the reader: both are started again, and the file ends without further help', async ({
    site,
  }) => {
    await site.receive(SLOW, { timeoutSeconds });
    const worker = await site.worker();
    const input = alerts(COUNT);
    const following = site.send(await site.write('alerts.csv', asCsv(input)));
    await killInMidFile(site, worker, 1_000);
    await site.worker();
    expect(await following).toMatchObject({ code: 0, result: { delivered: COUNT } });
    const verdict = await site.receiver.verdict(input);
    expect({ ...verdict, repeated: [] }).toEqual(EACH_ONCE);
    expect(verdict.repeated.length).toBeLessThanOrEqual(CONNECTIONS);
  });
});

describe('a worker that is killed in mid-file, policy hold', () => {
  for (const killedAt of [3, 700, 2_500]) {
    test.concurrent(`at ${killedAt} requests: nobody is alerted twice, and whoever is unsure waits for a decision`, async ({
      site,
    }) => {
      const { input, path, sender, following } = await startDelivery(site, SLOW, { ambiguous: 'hold', timeoutSeconds });
      await killInMidFile(site, sender, killedAt);
      await site.worker('alerts');
      const { code, result } = await following;
      expect(result.delivered + result.unconfirmed).toBe(COUNT);
      expect(code).toBe(4);

      const verdict = await site.receiver.verdict(input);
      expect({ ...verdict, missed: [] }).toEqual(EACH_ONCE);
      const unconfirmed = (await site.report(result, 'unconfirmed.csv')).map(({ userId }) => userId ?? '');
      expect(unconfirmed).toHaveLength(result.unconfirmed);
      expect(unconfirmed).toEqual(expect.arrayContaining([...verdict.missed]));

      expect((await site.retry(path)).code).toBe(4);
      expect(await site.receiver.verdict(input)).toEqual(verdict);
      const decided = await site.retry(path, '--unconfirmed');
      expect(decided).toMatchObject({ code: 0, result: { delivered: COUNT, unconfirmed: 0 } });
      const after = await site.receiver.verdict(input);
      expect(after.missed).toEqual([]);
      expect(unconfirmed).toEqual(expect.arrayContaining([...after.repeated]));
    });
  }
});

describe.concurrent('workers that are told to end in mid-file', () => {
  test.concurrent('answer for what is open, and their successors send each of the others once', async ({ site }) => {
    const { input, sender, following } = await startDelivery(site, SLOW);
    await site.receiver.reaches(500);
    const successor = site.worker('alerts');
    sender.kill('SIGTERM');
    const ended = await sender.end();
    expect(ended).toMatchObject({ code: 0, signal: null });
    await successor;
    await site.receiver.reaches(2_000);
    (await successor).kill('SIGTERM');
    await (await successor).end();
    await site.worker('alerts');
    const { code, result } = await following;
    expect(code).toBe(0);
    expect(await site.receiver.verdict(input)).toEqual(EACH_ONCE);
    expect(await site.report(result, 'ambiguous.csv')).toEqual([]);
  });

  test.concurrent('readers and senders alike', async ({ site }) => {
    await site.receive(SLOW);
    const worker = await site.worker();
    const input = alerts(COUNT);
    const following = site.send(await site.write('alerts.csv', asCsv(input)));
    await site.receiver.reaches(1_000);
    worker.kill('SIGTERM');
    await worker.end();
    await site.worker();
    expect(await following).toMatchObject({ code: 0 });
    expect(await site.receiver.verdict(input)).toEqual(EACH_ONCE);
  });
});

describe.concurrent('a sending worker that hangs for longer than its heartbeat allows, and then goes on', () => {
  for (const ambiguous of ['resend', 'hold'] as const) {
    test.concurrent(`${ambiguous}: sends nothing more, and whoever may have been alerted twice is named`, async ({
      site,
    }) => {
      const { input, path, sender, following } = await startDelivery(site, SLOW, { ambiguous, timeoutSeconds });
      await site.receiver.reaches(800);
      sender.kill('SIGSTOP');
      await site.worker('alerts');
      const open = (await site.receiver.requests()).length;
      // The new worker has taken over what the hanging one held, and has sent of it.
      await site.receiver.reaches(open + 100);
      expect((await site.receiver.requests()).length).toBeLessThan(COUNT);
      sender.kill('SIGCONT');
      const { code, result } = await following;
      const verdict = await site.receiver.verdict(input);
      const named = (await site.report(result, 'ambiguous.csv')).map(({ userId }) => userId);
      expect(named.length).toBeLessThanOrEqual(CONNECTIONS);
      expect(named).toEqual(expect.arrayContaining([...verdict.repeated, ...verdict.missed]));
      if (ambiguous === 'resend') {
        expect({ code, ...verdict }).toEqual({ ...EACH_ONCE, code: 0, repeated: verdict.repeated });
      } else {
        expect(verdict.repeated).toEqual([]);
        expect(result.delivered + result.unconfirmed).toBe(COUNT);
        expect((await site.retry(path, '--unconfirmed')).code).toBe(0);
        expect((await site.receiver.verdict(input)).missed).toEqual([]);
      }
    });
  }
});
