import { describe, expect, test } from 'vitest';
import type { Waiting } from '../../../src/domain/governor/contract.ts';
import { FAILURE } from '../../../src/domain/names.ts';
import type { FileSigns, PendingStep } from '../../../src/domain/progress/waiting.ts';
import { fileWaiting } from '../../../src/domain/progress/waiting.ts';

const NOW = 1_000_000;
const step = (of: Partial<PendingStep> = {}): PendingStep => ({
  sends: true,
  started: true,
  dueMs: NOW - 1_000,
  failure: undefined,
  ...of,
});
const failed = (type: string, message = 'so it is') => ({ started: false, failure: { type, message } });
const circuit: Waiting = { why: 'circuit', cause: 'HTTP 401', text: 'it refuses everything', since: null, until: null };
const governor = { waiting: null, activeWorkers: 1, ratePerSecond: null };
const why = (signs: Partial<FileSigns>): string | undefined =>
  fileWaiting({
    endpoint: 'crm',
    progress: { phase: 'sending' },
    steps: [step()],
    pollers: { files: true, alerts: true },
    governor,
    nowMs: NOW,
    ...signs,
  })?.why;

test('a file that is being sent waits for nothing', () => {
  expect(why({})).toBeUndefined();
  expect(why({ governor: undefined })).toBeUndefined();
  expect(why({ steps: [] })).toBeUndefined();
});

test('a pause of the file comes before all else', () => {
  expect(why({ progress: { phase: 'paused' }, governor: { ...governor, waiting: circuit } })).toBe('file_paused');
});

test('a decision that is asked for is told in its words, before all else', () => {
  const progress = { phase: 'paused', decision: 'the first 20 of 500 alerts were sent' } as const;
  expect(why({ progress, governor: { ...governor, waiting: circuit } })).toBe('decision');
});

describe('no worker', () => {
  test('is said where nobody answers for the workflow, or asks for its tasks', () => {
    expect(why({ progress: undefined })).toBe('no_worker');
    expect(why({ pollers: { files: false, alerts: true } })).toBe('no_worker');
  });

  test('is said with the version that it needs', () => {
    const text = (needs: string): string | undefined =>
      fileWaiting({
        ...{ endpoint: 'crm', progress: undefined, steps: [], governor, nowMs: NOW, needs },
        pollers: { files: false, alerts: true },
      })?.text;
    expect(text('wds:0.2.0')).toContain('no worker of version wds:0.2.0');
    expect(text('none')).toContain('no version of the workers is the current one');
  });

  test('is said in other words where workers are there whose version cannot go on with it', () => {
    const text = (unfit: boolean): string | undefined =>
      fileWaiting({
        ...{ endpoint: 'crm', progress: undefined, steps: [], governor, nowMs: NOW, unfit },
        pollers: { files: true, alerts: true },
      })?.text;
    expect(text(true)).toContain('no worker can go on with its workflow');
    expect(text(false)).toContain('no worker runs its workflow');
  });

  test('is said where nobody sends: nobody has asked for tasks, or nobody takes them', () => {
    expect(why({ pollers: { files: true, alerts: false } })).toBe('no_worker');
    const idle = { ...governor, activeWorkers: 0 };
    expect(why({ governor: idle, steps: [step({ started: false, dueMs: NOW - 4_000 })] })).toBe('no_worker');
    expect(why({ governor: idle, steps: [step({ started: false, dueMs: NOW - 1_000 })] })).toBeUndefined();
  });

  test('is said of one that was killed in mid-batch, and not of one that waits for an answer', () => {
    const idle = { ...governor, activeWorkers: 0 };
    expect(why({ governor: idle, steps: [step({ dueMs: NOW - 8_000 })] })).toBe('no_worker');
    expect(why({ governor: idle, steps: [step({ dueMs: NOW - 5_000 })] })).toBeUndefined();
    expect(why({ governor, steps: [step({ dueMs: NOW - 8_000 })] })).toBeUndefined();
  });

  test('of the endpoint does not hide that the endpoint is paused', () => {
    const paused: Waiting = { ...circuit, why: 'paused' };
    const pollers = { files: true, alerts: false };
    expect(why({ pollers, governor: { ...governor, waiting: paused } })).toBe('paused');
    expect(why({ pollers, governor: { ...governor, waiting: { ...circuit, why: 'trouble' } } })).toBe('no_worker');
  });
});

test.each([
  [FAILURE.store, 'store'],
  [FAILURE.otherInstallation, 'store'],
  [FAILURE.localFault, 'machine'],
  [FAILURE.unknownEndpoint, 'no_worker'],
  [FAILURE.earlierFile, 'earlier_file'],
  [FAILURE.superseded, undefined],
  [FAILURE.transient, undefined],
])('a step that failed with %s waits for: %s', (type, expected) => {
  expect(why({ steps: [step(failed(type))] })).toBe(expected);
});

test('a full disk is said in its own words', () => {
  const message = 'cannot write: ENOSPC, no space left on device';
  const signs = { endpoint: 'crm', pollers: { files: true, alerts: true }, governor, nowMs: NOW };
  expect(
    fileWaiting({
      ...signs,
      progress: { phase: 'reading' },
      steps: [step({ sends: false, ...failed(FAILURE.store, message) })],
    }),
  ).toEqual({ why: 'store', text: message, since: null, until: null });
});

test('what the endpoint waits for is handed on, with its times', () => {
  const asked: Waiting = { ...circuit, why: 'asked', until: '2026-01-01T00:00:00.000Z' };
  expect(why({ governor: { ...governor, waiting: circuit } })).toBe('circuit');
  expect(
    fileWaiting({
      endpoint: 'crm',
      progress: { phase: 'sending' },
      steps: [step(failed(FAILURE.throttled))],
      pollers: { files: true, alerts: true },
      governor: { ...governor, waiting: asked },
      nowMs: NOW,
    }),
  ).toEqual({ why: 'asked', text: 'it refuses everything', since: null, until: '2026-01-01T00:00:00.000Z' });
});

test('a file whose steps nobody takes while others are sent has its turn', () => {
  const untaken = step({ started: false, dueMs: NOW - 5_000 });
  expect(why({ steps: [untaken, untaken] })).toBe('turn');
  expect(why({ steps: [untaken, step()] })).toBeUndefined();
  expect(why({ progress: { phase: 'reading' }, steps: [{ ...untaken, sends: false }] })).toBe('turn');
});
