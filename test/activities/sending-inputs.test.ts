/**
 * Where workers of two releases run side by side, and while one is rolled back, a batch that the workflow of one release has scheduled is
 * sent by a worker of the other.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SendAlertInput, SendAlertsInput } from '../../src/domain/contracts.ts';
import type { StagedAlerts } from '../support/delivery-fixture.ts';
import {
  alertInput,
  batchInput,
  MovableClock,
  ScriptedReceiver,
  stageAlerts,
  TestWorker,
} from '../support/delivery-fixture.ts';

type MembersThatMustBe<T> = { [K in keyof T]-?: object extends Pick<T, K> ? never : K }[keyof T];

/** Written by hand, and complete: the compiler refuses one that is missing, or optional. */
const NEEDED_OF_BATCH: Record<MembersThatMustBe<SendAlertsInput>, true> = {
  ...{ sha256: true, endpoint: true, parseKey: true, window: true, chunk: true, round: true, retry: true },
  ...{ reopenUnconfirmed: true, from: true, to: true, maxHandover: true, endpointLost: true, closing: true },
};
const NEEDED_OF_ALERT: Record<MembersThatMustBe<SendAlertInput>, true> = {
  ...{ sha256: true, endpoint: true, parseKey: true, window: true, chunk: true, round: true, retry: true },
  ...{ reopenUnconfirmed: true, line: true },
};

const HISTORIES = join(import.meta.dirname, '../histories');

interface Scheduled {
  readonly activityTaskScheduledEventAttributes?: {
    readonly activityType: { readonly name: string };
    readonly input: { readonly payloads: readonly { readonly data: string }[] };
  };
}

/** As the workflows of a release wrote them. */
function inputsOf(release: string, activity: string): Record<string, unknown>[] {
  return readdirSync(join(HISTORIES, release)).flatMap((file) => {
    const { events } = JSON.parse(readFileSync(join(HISTORIES, release, file), 'utf8')) as { events: Scheduled[] };
    return events.flatMap(({ activityTaskScheduledEventAttributes: scheduled }) => {
      const data = scheduled?.activityType.name === activity ? scheduled.input.payloads[0]?.data : undefined;
      return data === undefined ? [] : [JSON.parse(Buffer.from(data, 'base64').toString('utf8'))];
    });
  });
}

/** An input of today with no more in it than another one has. */
const cutTo = <T extends object>(input: T, members: readonly string[]): T =>
  Object.fromEntries(Object.entries(input).filter(([name]) => members.includes(name))) as T;

let receiver: ScriptedReceiver;
let staged: StagedAlerts;
let worker: TestWorker;
beforeEach(async () => {
  receiver = await ScriptedReceiver.start();
  staged = await stageAlerts(30);
  worker = new TestWorker({ url: receiver.url, store: staged.store, clock: new MovableClock() });
});
afterEach(async () => {
  await worker.kill();
  await receiver.close();
  await staged.remove();
});

describe.each(readdirSync(HISTORIES))('a worker of today reads what the workflows of %s wrote', (release) => {
  test('nothing that it needs is missing', () => {
    for (const input of inputsOf(release, 'sendAlerts')) {
      expect(Object.keys(input)).toEqual(expect.arrayContaining(Object.keys(NEEDED_OF_BATCH)));
    }
    for (const input of inputsOf(release, 'sendAlert')) {
      expect(Object.keys(input)).toEqual(expect.arrayContaining(Object.keys(NEEDED_OF_ALERT)));
    }
  });

  test('a batch with no more in it is sent', async () => {
    const [written] = inputsOf(release, 'sendAlerts');
    expect(written).toBeDefined();
    const input = cutTo(batchInput(staged), Object.keys(written!));
    expect(await worker.sendAlerts(input)).toMatchObject({ delivered: 30 });
    expect(receiver.accepted.size).toBe(30);
  });

  test('so is a single alert', async () => {
    const [written] = inputsOf(release, 'sendAlert');
    expect(written).toBeDefined();
    const input = cutTo(alertInput(staged, staged.lines[3]!), Object.keys(written!));
    expect(await worker.sendAlert(input)).toMatchObject({ outcome: 'delivered' });
    expect([...receiver.accepted.keys()]).toEqual([staged.lines[3]]);
  });
});

describe('a worker of today reads what a release to come may write', () => {
  const more = { ofThatRelease: { any: ['thing'] }, another: 7 };

  test('members that it does not know change nothing', async () => {
    expect(await worker.sendAlerts({ ...batchInput(staged), ...more })).toMatchObject({ delivered: 30 });
    expect(await worker.sendAlerts({ ...batchInput(staged), ...more })).toMatchObject({ delivered: 30 });
    expect(receiver.log).toHaveLength(30);
  });
});
