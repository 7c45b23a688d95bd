import { describe, expect, test } from 'vitest';
import { DEFAULT_RETRY_POLICY } from '../../../src/domain/endpoint.ts';
import { longestAnswerMs } from '../../../src/domain/ledger/fence.ts';
import type { PlanOptions } from '../../../src/domain/ledger/plan.ts';
import { planRow } from '../../../src/domain/ledger/plan.ts';
import type { RowState } from '../../../src/domain/ledger/row-state.ts';
import { freshState } from '../../../src/domain/ledger/row-state.ts';

const NOW = 1_000_000_000;
const LONG_AGO = NOW - 3_600_000;
const options = (changes: Partial<PlanOptions> = {}): PlanOptions => ({
  round: 1,
  reopenedFrom: undefined,
  ambiguous: 'resend',
  maximumUnanswered: 3,
  requestTimeoutMs: 15_000,
  retry: DEFAULT_RETRY_POLICY,
  closing: false,
  nowMs: NOW,
  lastSuccessMs: 0,
  ...changes,
});
const row = (changes: Partial<RowState>): RowState => ({ ...freshState(), round: 1, atMs: LONG_AGO, ...changes });
const hold = { ambiguous: 'hold' } as const;

describe('a row', () => {
  test('without receipts is sent', () => {
    expect(planRow(undefined, options())).toMatchObject({ kind: 'send', attempts: 0, firstFailureMs: undefined });
  });

  test.each(['delivered', 'rejected', 'undelivered', 'unconfirmed'] as const)(
    'that has ended (%s) in this round is not sent',
    (outcome) => {
      expect(planRow(row({ outcome, outcomeRound: 1 }), options({ closing: true }))).toEqual({
        kind: 'ended',
        outcome,
      });
    },
  );

  test('with an open request waits until its answer can no longer come, and is sent again then', () => {
    const state = row({ unknown: 1, openFencedMs: NOW - 10_000 });
    const untilMs = NOW - 10_000 + longestAnswerMs(15_000);
    expect(planRow(state, options())).toEqual({ kind: 'wait', atMs: untilMs });
    expect(planRow(state, options({ nowMs: untilMs - 1 })).kind).toBe('wait');
    expect(planRow(state, options({ nowMs: untilMs })).kind).toBe('send');
  });

  test('with an open request that was fenced off by a clock far ahead does not wait for that clock', () => {
    const state = row({ unknown: 1, openFencedMs: NOW + 10 ** 9 });
    expect(planRow(state, options())).toEqual({ kind: 'wait', atMs: NOW + longestAnswerMs(15_000) });
  });

  test('that may have been accepted is never sent again under hold, in this round or a later one', () => {
    const state = row({ unknown: 1, openFencedMs: LONG_AGO });
    for (const round of [1, 2]) expect(planRow(state, options({ ...hold, round })).kind).toBe('unconfirmed');
    expect(planRow(row({ unknown: 1, inherited: 1 }), options(hold)).kind).toBe('unconfirmed');
  });

  test('that may have been accepted is sent once more for each time that the operator asks for it', () => {
    const state = row({ outcome: 'unconfirmed', outcomeRound: 1, unknown: 4 });
    for (const policy of [{}, hold]) {
      const again = options({ ...policy, round: 2, reopenedFrom: 2 });
      expect(planRow(state, again)).toMatchObject({ kind: 'send', unknown: 4, unknownLimit: 5 });
      const lost = row({ round: 2, unknown: 5, unknownBefore: 4 });
      expect(planRow(lost, again).kind).toBe('unconfirmed');
      expect(planRow(state, options({ ...policy, round: 2 }))).toEqual({ kind: 'ended', outcome: 'unconfirmed' });
    }
  });

  test('that was asked for once more is not sent twice for it, in however many rounds that was tried', () => {
    const unconfirmed = row({ outcome: 'unconfirmed', outcomeRound: 1, unknown: 1, round: 1, askedRound: 1 });
    const lost = row({
      outcome: 'unconfirmed',
      outcomeRound: 2,
      unknown: 2,
      round: 2,
      unknownBefore: 1,
      askedRound: 2,
    });
    const cut = row({ unknown: 2, round: 2, unknownBefore: 1, askedRound: 2, openFencedMs: LONG_AGO });
    const again = options({ ...hold, round: 4, reopenedFrom: 2 });
    expect(planRow(unconfirmed, again)).toMatchObject({ kind: 'send', unknownLimit: 2 });
    expect(planRow(lost, again)).toEqual({ kind: 'ended', outcome: 'unconfirmed' });
    expect(planRow(cut, again).kind).toBe('unconfirmed');
    // Asked for anew.
    expect(planRow(lost, options({ ...hold, round: 4, reopenedFrom: 4 }))).toMatchObject({ kind: 'send' });
  });

  test('is sent without an answer so often and no more, over rounds', () => {
    expect(planRow(row({ unknown: 2 }), options())).toMatchObject({ kind: 'send', unknownLimit: 3 });
    for (const round of [1, 2]) expect(planRow(row({ unknown: 3 }), options({ round })).kind).toBe('unconfirmed');
    expect(planRow(row({ unknown: 1 }), options({ maximumUnanswered: 1 })).kind).toBe('unconfirmed');
  });

  test('that sendAlert owns in this round is left to it, and taken back in the next', () => {
    const state = row({ attempts: 3, handedOverRound: 1 });
    expect(planRow(state, options()).kind).toBe('handed_over');
    expect(planRow(state, options({ round: 2 }))).toMatchObject({ kind: 'send', attempts: 0 });
  });

  test('that a row of a later file has taken the place of is not sent from here', () => {
    const maybe = { movedTo: 'abc:3', unknown: 1 };
    expect(planRow(row(maybe), options({ round: 2 }))).toEqual({ kind: 'ended', outcome: 'unconfirmed' });
    expect(planRow(row({ movedTo: 'abc:3' }), options({ round: 2 }))).toEqual({
      kind: 'ended',
      outcome: 'undelivered',
    });
  });

  test('refused without proof waits for the last visit', () => {
    const state = row({ attempts: 1, refusalOpen: true });
    expect(planRow(state, options()).kind).toBe('unproven');
    expect(planRow(state, options({ closing: true }))).toMatchObject({ kind: 'send', refused: true, attempts: 1 });
    expect(planRow(state, options({ round: 2 }))).toMatchObject({ kind: 'send', refused: false, attempts: 0 });
  });
});

describe('an alert that failed', () => {
  const dueOf = (state: Partial<RowState>, changes: Partial<PlanOptions> = {}): number => {
    const plan = planRow(row({ attempts: 1, ...state }), options(changes));
    return plan.kind === 'send' ? plan.dueMs : Number.NaN;
  };

  test('rests by its own backoff, and not after a clock that was wrong', () => {
    expect(dueOf({ atMs: NOW - 500 })).toBe(NOW + 500);
    expect(dueOf({ atMs: NOW - 500, attempts: 4 })).toBe(NOW + 7_500);
    expect(dueOf({ atMs: NOW + 10 ** 9 })).toBe(0);
  });

  test('that was not answered is sent again soon the first time, and then far apart', () => {
    expect(dueOf({ atMs: NOW - 10, unknown: 1 })).toBe(NOW + 990);
    expect(dueOf({ atMs: NOW - 10, unknown: 2, attempts: 2 })).toBe(NOW + 59_990);
    expect(dueOf({ atMs: NOW - 10, unknown: 3, attempts: 3 }, { maximumUnanswered: 9 })).toBe(NOW + 599_990);
  });

  test('that was not answered twice is sent at once when the endpoint has delivered others since', () => {
    const state = { atMs: NOW - 5_000, unknown: 2, attempts: 2 };
    expect(dueOf(state, { lastSuccessMs: NOW - 4_000 })).toBeLessThan(NOW);
    expect(dueOf(state, { lastSuccessMs: NOW - 6_000 })).toBeGreaterThan(NOW);
  });
});
