/** The governor's workflow by itself: its messages, the task queue's limit, and what it passes on to its next run. */
import { readFileSync } from 'node:fs';
import { ApplicationFailure } from '@temporalio/common';
import { beforeAll, describe, expect, it } from 'vitest';
import type { LeaseAnswer, LeaseRequest } from '../../src/domain/governor/contract.ts';
import type { ApplyTaskQueueRateInput, GovernorInput, GovernorView } from '../../src/domain/governor/messages.ts';
import {
  ADOPT_SIGNAL,
  CONFIGURE_UPDATE,
  GOVERNOR_QUERY,
  GOVERNOR_WORKFLOW,
  LEASE_UPDATE,
  OVERRIDE_UPDATE,
} from '../../src/domain/names.ts';
import { buildWorkflows } from './replaying.ts';
import { WorkflowRun } from './workflow-run.ts';

beforeAll(buildWorkflows);

const INPUT: GovernorInput = { endpoint: 'crm', config: { rate: 100, batchSize: 10 }, waitMs: 0 };
const REQUEST: LeaseRequest = {
  ...{ workerId: 'w1', demandPerSecond: null, delivered: 0, sent: 0, elapsedMs: 1_000 },
  ...{ brake: null, badRun: null, latencyMs: null, ceilingPerSecond: null },
};

/** `apply` gets each limit that is set. */
const started = (apply: (perSecond: number | null) => void = () => undefined, input = INPUT): Promise<WorkflowRun> =>
  WorkflowRun.start(GOVERNOR_WORKFLOW, input, {
    applyTaskQueueRate: ({ activitiesPerSecond }: ApplyTaskQueueRateInput) => apply(activitiesPerSecond),
  });

const lent = ({ segments }: LeaseAnswer): number => Math.max(0, ...segments.map(({ ratePerSecond }) => ratePerSecond));

describe('the governor', () => {
  it('lends its rate to whoever asks, and tells it to who looks', async () => {
    const run = await started();
    expect(lent(await run.update<LeaseAnswer>(LEASE_UPDATE, REQUEST))).toBeCloseTo(99);
    expect(await run.query<GovernorView>(GOVERNOR_QUERY)).toMatchObject({ ratePerSecond: 99, activeWorkers: 1 });
  });

  it('lends nothing while it is paused, and goes on when it is resumed', async () => {
    const run = await started();
    expect(await run.update<GovernorView>(OVERRIDE_UPDATE, { type: 'pause' })).toMatchObject({ paused: true });
    expect(await run.update<LeaseAnswer>(LEASE_UPDATE, REQUEST)).toMatchObject({ paused: true, segments: [] });
    await run.update(OVERRIDE_UPDATE, { type: 'resume' });
    expect(lent(await run.update<LeaseAnswer>(LEASE_UPDATE, REQUEST))).toBeGreaterThan(0);
  });

  it('refuses an order that is none, and stays as it is', async () => {
    const run = await started();
    await expect(run.update(OVERRIDE_UPDATE, { type: 'set-rate', rate: '20' })).rejects.toThrow();
    await expect(run.update(LEASE_UPDATE, { workerId: 'w1' })).rejects.toThrow();
    expect(await run.query<GovernorView>(GOVERNOR_QUERY)).toMatchObject({ ordered: null, ratePerSecond: 99 });
  });

  it("sets the task queue's limit: twice the batches of what it lends", async () => {
    const limits: (number | null)[] = [];
    const run = await started((limit) => void limits.push(limit));
    await run.update(LEASE_UPDATE, REQUEST);
    await run.update(OVERRIDE_UPDATE, { type: 'set-rate', rate: 500 });
    await run.update(OVERRIDE_UPDATE, { type: 'set-rate', rate: 'unlimited' });
    expect(limits).toEqual([20, 99, null]);
  });

  it('tries again half a minute later where the limit cannot be set, with what holds then', async () => {
    const limits: (number | null)[] = [];
    const run = await started((limit) => {
      limits.push(limit);
      if (limit === 20) throw ApplicationFailure.nonRetryable('not permitted');
    });
    const startedMs = run.nowMs;
    await run.update(LEASE_UPDATE, REQUEST);
    await run.update(OVERRIDE_UPDATE, { type: 'set-rate', rate: 500 });
    await run.until(() => limits.length === 2);
    expect([limits, run.nowMs - startedMs]).toEqual([[20, 99], 30_000]);
  });
});

describe('the governor of an installation', () => {
  const OWN = { ...INPUT, installation: 'aaaaaaaaaaaa' };

  it('takes messages of that one, and of an operator who says nothing, and refuses those of any other', async () => {
    const run = await started(undefined, OWN);
    expect(lent(await run.update<LeaseAnswer>(LEASE_UPDATE, REQUEST, OWN.installation))).toBeCloseTo(99);
    await run.update(OVERRIDE_UPDATE, { type: 'set-rate', rate: 40 });
    const before = await run.query<GovernorView>(GOVERNOR_QUERY);
    const words = 'endpoint crm belongs to installation aaaaaaaaaaaa';
    await expect(run.update(LEASE_UPDATE, REQUEST, 'bbbbbbbbbbbb')).rejects.toThrow(words);
    await expect(run.update(OVERRIDE_UPDATE, { type: 'pause' }, 'bbbbbbbbbbbb')).rejects.toThrow(words);
    await expect(run.update(CONFIGURE_UPDATE, OWN.config, 'bbbbbbbbbbbb')).rejects.toThrow(words);
    expect(await run.query<GovernorView>(GOVERNOR_QUERY)).toEqual(before);
  });

  it('is not adopted by another one', async () => {
    const run = await started(undefined, OWN);
    run.signal(ADOPT_SIGNAL, 'bbbbbbbbbbbb');
    await run.drain();
    expect(run.end).toBeUndefined();
    expect(lent(await run.update<LeaseAnswer>(LEASE_UPDATE, REQUEST, OWN.installation))).toBeCloseTo(99);
  });

  it('keeps its queue and its memo in its next run', async () => {
    const run = await started(undefined, OWN);
    run.historyLength = 4_000;
    await run.update(OVERRIDE_UPDATE, { type: 'set-rate', rate: 40 }, OWN.installation);
    expect(await run.ended()).toMatchObject({
      ...{ kind: 'continued', taskQueue: 'wds-files-aaaaaaaaaaaa', memo: { wdsInstallation: 'aaaaaaaaaaaa' } },
      input: { installation: 'aaaaaaaaaaaa', state: { orderedRate: 40, taskQueueRate: expect.any(Number) } },
    });
  });
});

describe('the governor of an earlier version', () => {
  it('goes to the first installation that asks, with all that it knows; the limit of the queue that it leaves is cleared', async () => {
    const limits: (number | null)[] = [];
    const run = await started((limit) => void limits.push(limit));
    await run.update(OVERRIDE_UPDATE, { type: 'set-rate', rate: 40 });
    for (const installation of ['aaaaaaaaaaaa', 'bbbbbbbbbbbb']) run.signal(ADOPT_SIGNAL, installation);
    const end = await run.ended();
    expect(end).toMatchObject({
      ...{ kind: 'continued', taskQueue: 'wds-files-aaaaaaaaaaaa', memo: { wdsInstallation: 'aaaaaaaaaaaa' } },
      input: { installation: 'aaaaaaaaaaaa', state: { orderedRate: 40 } },
    });
    expect(limits.at(-1)).toBeNull();
    const next = await started((limit) => void limits.push(limit), (end as { input: GovernorInput }).input);
    await next.update(LEASE_UPDATE, REQUEST, 'aaaaaaaaaaaa');
    // It knows nothing of a limit of its new queue.
    expect(limits.at(-1)).toBeGreaterThan(0);
  });
});

describe('the next run of a governor', () => {
  it('comes when the history is long, and knows what the one before it knew', async () => {
    const run = await started();
    await run.update(LEASE_UPDATE, REQUEST);
    await run.update(OVERRIDE_UPDATE, { type: 'set-rate', rate: 40 });
    const before = await run.query<GovernorView>(GOVERNOR_QUERY);
    run.historyLength = 4_000;
    await run.update(OVERRIDE_UPDATE, { type: 'set-rate', rate: 40 });
    const end = await run.ended();
    expect(end.kind).toBe('continued');
    const next = await started(undefined, (end as { input: GovernorInput }).input);
    expect(await next.query<GovernorView>(GOVERNOR_QUERY)).toEqual(before);
  });

  it('understands the state that an earlier release passed on', async () => {
    const { events } = JSON.parse(readFileSync('test/histories/0.1.0/governor-resumed.json', 'utf8')) as {
      events: { workflowExecutionStartedEventAttributes?: { input: { payloads: { data: string }[] } } }[];
    };
    const [payload] = events[0]!.workflowExecutionStartedEventAttributes!.input.payloads;
    const input = JSON.parse(Buffer.from(payload!.data, 'base64').toString('utf8')) as GovernorInput;
    const run = await started(undefined, input);
    // What it had been refused, and what the receiver's headers said, still holds.
    const answer = await run.update<LeaseAnswer>(LEASE_UPDATE, { ...REQUEST, workerId: 'w2' });
    expect(lent(answer)).toBeLessThanOrEqual(80);
    expect(await run.query<GovernorView>(GOVERNOR_QUERY)).toMatchObject({ configured: 100 });
  });
});
