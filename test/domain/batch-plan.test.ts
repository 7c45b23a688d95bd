import { describe, expect, test } from 'vitest';
import type { PlanOptions } from '../../src/domain/batch-plan.ts';
import { LONGEST_WAY_TO_SOCKET_MS, planRow } from '../../src/domain/batch-plan.ts';
import { foldJournals, intentLine, parseJournal, resultLine } from '../../src/domain/receipts.ts';

const NOW = 1_000_000;
const options = (changes: Partial<PlanOptions> = {}): PlanOptions => ({
  round: 'r1',
  reopenUnconfirmed: false,
  ambiguous: 'resend',
  requestTimeoutMs: 15_000,
  closing: false,
  nowMs: NOW,
  ...changes,
});
const journalled = (...lines: string[]) => foldJournals([parseJournal(`h 1 r1 1\n${lines.join('')}`)!]).get(7);
const longAgo = NOW - 3_600_000;
const hold = { ambiguous: 'hold' } as const;

describe('a row', () => {
  test('without receipts is sent', () => {
    expect(planRow(undefined, options())).toMatchObject({ kind: 'send', attempts: 0, firstFailureMs: undefined });
  });

  test.each(['d', 'r', 'u', 'c'] as const)('that has ended (%s) in this round is not sent', (kind) => {
    const state = journalled(intentLine([7], longAgo), resultLine(kind, 7, 200, 1, longAgo));
    expect(planRow(state, options({ closing: true }))).toHaveProperty('kind', 'ended');
  });

  test('with an open request waits until its answer can no longer come, and is sent again then', () => {
    const state = journalled(intentLine([7], NOW - 10_000));
    const untilMs = NOW - 10_000 + LONGEST_WAY_TO_SOCKET_MS + 15_000 + 1_000;
    expect(planRow(state, options())).toEqual({ kind: 'wait', atMs: untilMs });
    expect(planRow(state, options({ nowMs: untilMs - 1 })).kind).toBe('wait');
    expect(planRow(state, options({ nowMs: untilMs })).kind).toBe('send');
  });

  test('with an open request is never sent again under hold, in this round or a later one', () => {
    const state = journalled(intentLine([7], longAgo));
    for (const round of ['r1', 'r2']) expect(planRow(state, options({ ...hold, round })).kind).toBe('unconfirmed');
  });

  test('with an open request is sent again under hold when the operator asks for it in a later round', () => {
    const state = journalled(intentLine([7], longAgo));
    expect(planRow(state, options({ ...hold, round: 'r2', reopenUnconfirmed: true })).kind).toBe('send');
    expect(planRow(state, options({ ...hold, round: 'r1', reopenUnconfirmed: true })).kind).toBe('unconfirmed');
  });

  test('that sendAlert owns in this round is left to it, and taken back in the next', () => {
    const state = journalled(resultLine('s', 7, 500, 3, longAgo));
    expect(planRow(state, options()).kind).toBe('handed_over');
    expect(planRow(state, options({ round: 'r2' }))).toMatchObject({ kind: 'send', attempts: 0 });
  });

  test('refused without proof waits for the last visit', () => {
    const state = journalled(resultLine('f', 7, 404, 1, longAgo));
    expect(planRow(state, options()).kind).toBe('unproven');
    expect(planRow(state, options({ closing: true }))).toMatchObject({ kind: 'send', refused: true, attempts: 1 });
    expect(planRow(state, options({ round: 'r2' }))).toMatchObject({ kind: 'send', refused: false, attempts: 0 });
  });

  test('given back is sent again with the attempts it had, and keeps its first failure', () => {
    const state = journalled(resultLine('t', 7, 500, 1, longAgo), resultLine('x', 7, 503, 1, longAgo + 5));
    expect(planRow(state, options())).toMatchObject({
      kind: 'send',
      attempts: 1,
      firstFailureMs: longAgo,
      triedAtMs: longAgo + 5,
    });
  });
});
