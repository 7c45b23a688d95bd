import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ResultKind } from '../../src/domain/receipts.ts';
import {
  foldJournals,
  handedOverLines,
  headerLine,
  intentLine,
  outcomeInRound,
  parseJournal,
  resultLine,
} from '../../src/domain/receipts.ts';

const journal = (round: string, ...lines: string[]) => parseJournal(headerLine(round, 1_000) + lines.join(''))!;
const stateOf = (...journals: ReturnType<typeof journal>[]) => foldJournals(journals).get(7);
const result = (kind: ResultKind, status?: number, attempts = 1, atMs = 2_000, reason = '') =>
  resultLine(kind, 7, status, attempts, atMs, reason);
const intent = (atMs = 1_500) => intentLine([7], atMs);

describe('a journal', () => {
  test('keeps the fields of a result, its reason on one line and not too long', () => {
    const reason = `two\nlines\u2028\u0000 and ${'x'.repeat(500)}`;
    const state = stateOf(journal('r1', intent(), result('r', 422, 3, 2_345, reason)));
    expect(state).toMatchObject({ outcome: 'rejected', status: 422, attempts: 3, atMs: 2_345 });
    expect(state?.reason).toMatch(/^two lines {2}and x+$/);
    expect(state?.reason.length).toBe(120);
  });

  test('loses its torn last line only, wherever it is cut', () => {
    const text = headerLine('r1', 1) + intentLine([7, 8], 2) + result('d', 200) + resultLine('d', 8, 200, 1, 3);
    for (let length = 0; length <= text.length; length++) {
      const parsed = parseJournal(text.slice(0, length));
      const whole = text.slice(0, length).split('\n').length - 1;
      expect(parsed?.lines.length ?? -1).toBe(whole - 1);
      if (parsed === undefined) continue;
      const states = foldJournals([parsed]);
      expect(states.get(7)?.outcome).toBe(whole >= 3 ? 'delivered' : undefined);
      expect(states.get(7)?.openIntentMs).toBe(whole === 2 ? 2 : undefined);
    }
  });

  test('ignores what is no line of a journal, such as the zeros that a power loss leaves', () => {
    const zeros = `${'\0'.repeat(40)}d 7 200 1 2000\nd 7\n\n`;
    expect(stateOf(journal('r1', intent(), zeros))).toMatchObject({ outcome: undefined, openIntentMs: 1_500 });
    expect(parseJournal('\0\0\0\n')).toBeUndefined();
  });
});

describe('the state of an alert', () => {
  test('delivered is for ever, whatever is written later', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom<ResultKind>(...('drucptafxs'.split('') as ResultKind[]))), (kinds) => {
        const later = kinds.map((kind, index) => journal(`r${index}`, intent(), result(kind)));
        const state = stateOf(journal('r0', intent(), result('d', 200)), ...later);
        expect(state).toMatchObject({ outcome: 'delivered', status: 200 });
      }),
      { seed: 1 },
    );
  });

  test('counts each request that may have been accepted without wds knowing', () => {
    expect(stateOf(journal('r1', intent()))).toMatchObject({ unknownAnswers: 0, openIntentMs: 1_500 });
    const resent = stateOf(journal('r1', intent()), journal('r1', intent(), result('d', 200)));
    expect(resent).toMatchObject({ unknownAnswers: 1, openIntentMs: undefined });
    expect(stateOf(journal('r1', intent(), result('a')))).toMatchObject({ unknownAnswers: 1 });
    expect(stateOf(journal('r1', intent(), result('c')))).toMatchObject({ unknownAnswers: 1 });
    expect(stateOf(journal('r1', intent(), result('t', 500), result('u')))).toMatchObject({ unknownAnswers: 0 });
  });

  test('stays ambiguous when it is given up on with a request open', () => {
    const state = stateOf(journal('r1', intent()), journal('r1', result('u')));
    expect(state).toMatchObject({ outcome: 'undelivered', unknownAnswers: 1, openIntentMs: undefined });
    const moved = stateOf(journal('r1', intent()), journal('r2', resultLine('m', 7, undefined, 0, 3_000, 'abc:9')));
    expect(moved).toMatchObject({ openIntentMs: 1_500 });
  });

  test('a late answer of a superseded attempt settles its own intent', () => {
    const older = journal('r1', intent(1_100), result('d', 200));
    expect(stateOf(older, journal('r1', intent(9_000)))).toMatchObject({ outcome: 'delivered', unknownAnswers: 1 });
  });

  test('a new round counts attempts anew and opens what was rejected or undelivered', () => {
    for (const kind of ['r', 'u'] as const) {
      const state = stateOf(journal('r1', intent(), result(kind, 500, 4)));
      expect(outcomeInRound(state, 'r1', false)).toBeDefined();
      expect(outcomeInRound(state, 'r2', false)).toBeUndefined();
    }
    const again = stateOf(journal('r1', intent(), result('u', 500, 4)), journal('r2', intent(), result('t', 500, 1)));
    expect(again).toMatchObject({ outcome: undefined, attempts: 1, round: 'r2' });
  });

  test('unconfirmed is opened on request only', () => {
    const state = stateOf(journal('r1', intent(), result('c')));
    expect(outcomeInRound(state, 'r2', false)).toBe('unconfirmed');
    expect(outcomeInRound(state, 'r2', true)).toBeUndefined();
    expect(outcomeInRound(state, 'r1', true)).toBe('unconfirmed');
  });

  test('given up for lost, but never sent, as its own attempt found out afterwards, is pending', () => {
    const older = journal('r1', intent(1_100), result('p'));
    const state = stateOf(older, journal('r1', result('c')));
    expect(state).toMatchObject({ outcome: undefined, openIntentMs: undefined, unknownAnswers: 0 });
  });

  test('an intent of a clock that was ahead is no younger than the attempt that came after it', () => {
    const ahead = { ...journal('r1', intent(9_999_999)), fencedAtMs: 2_000 };
    expect(stateOf(ahead)?.openIntentMs).toBe(2_000);
  });

  test('hand-overs are found by line', () => {
    expect(handedOverLines([journal('r1', result('t'), result('s'), resultLine('d', 8, 200, 1, 1))])).toEqual([7]);
  });
});
