import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ParsedJournal, ResultKind } from '../../../src/domain/ledger/journal.ts';
import {
  CLOSED_LINE,
  headerLine,
  intentLine,
  linesScope,
  parseJournal,
  parseOldJournal,
  rangeScope,
  resultLine,
} from '../../../src/domain/ledger/journal.ts';
import { outcomeInRound, settled } from '../../../src/domain/ledger/outcomes.ts';
import { foldJournals } from '../../../src/domain/ledger/row-state.ts';
import { parseStates, statesText } from '../../../src/domain/ledger/states-text.ts';

const BOOT = 'this-run';
interface Of {
  readonly epoch: number;
  readonly round?: number;
  readonly atMs?: number;
  readonly boot?: string;
}
const header = ({ round = 1, atMs = 1_000, boot = BOOT }: Of) =>
  headerLine({ round, atMs, scope: rangeScope(2, 99), parseKey: 'csv-1', boot });
const journal = (of: Of, ...lines: string[]): ParsedJournal => parseJournal(header(of) + lines.join(''), of.epoch)!;
const stateOf = (...journals: ParsedJournal[]) => settled(foldJournals(journals, { boot: BOOT })).get(7);
const result = (kind: ResultKind, status?: number, attempts = 1, atMs = 2_000, reason = '') =>
  resultLine(kind, 7, status, attempts, atMs, reason);
const intent = (atMs = 1_500) => intentLine([7], atMs);

describe('a journal', () => {
  test('keeps the fields of a result, its reason on one line and not too long', () => {
    const reason = `two\nlines\u2028\u0000 and ${'x'.repeat(500)}`;
    const state = stateOf(journal({ epoch: 1 }, intent(), result('r', 422, 3, 2_345, reason)));
    expect(state).toMatchObject({ outcome: 'rejected', status: 422, attempts: 3, atMs: 2_345 });
    expect(state?.reason).toMatch(/^two lines {2}and x+$/);
    expect(state?.reason.length).toBe(300);
    const emoji = stateOf(journal({ epoch: 1 }, intent(), result('r', 422, 3, 2_345, `x${'😀'.repeat(200)}`)));
    expect(emoji?.reason).toMatch(/^x😀+$/u);
  });

  test('says whose it is', () => {
    const scope = linesScope('takeover', [5, 9]);
    const text = headerLine({ round: 3, atMs: 5, scope, parseKey: 'csv-1' }) + CLOSED_LINE;
    expect(parseJournal(text, 4)).toEqual({
      epoch: 4,
      round: 3,
      atMs: 5,
      scope,
      parseKey: 'csv-1',
      closed: true,
      lines: [],
    });
  });

  test('loses its torn last line only, wherever it is cut', () => {
    const head = header({ epoch: 1 });
    const text = head + intentLine([7, 8], 2) + result('d', 200) + resultLine('d', 8, 200, 1, 3) + CLOSED_LINE;
    for (let length = 0; length <= text.length; length++) {
      const parsed = parseJournal(text.slice(0, length), 1);
      const whole = text.slice(0, length).split('\n').length - 1;
      expect(parsed?.closed ?? false).toBe(whole === 5);
      expect(parsed?.lines.length ?? -1).toBe(Math.min(3, whole - 1));
      if (parsed === undefined) continue;
      const state = foldJournals([parsed]).get(7);
      expect(state?.outcome).toBe(whole >= 3 ? 'delivered' : undefined);
      expect(state?.unknown ?? 0).toBe(whole === 2 ? 1 : 0);
    }
  });

  test('ignores what is no line of a journal, such as the zeros that a power loss leaves', () => {
    const zeros = `${'\0'.repeat(40)}d 7 200 1 2000\nd 7\n\n`;
    expect(stateOf(journal({ epoch: 1 }, intent(), zeros))).toMatchObject({ outcome: undefined, unknown: 1 });
    expect(parseJournal('\0\0\0\n', 1)).toBeUndefined();
  });
});

describe('the state of an alert', () => {
  test('delivered is for ever, whatever is written later, or earlier by an attempt that was late', () => {
    const kinds = fc.array(fc.constantFrom<ResultKind>(...('drucptafxs'.split('') as ResultKind[])));
    fc.assert(
      fc.property(kinds, fc.nat(5), (others, at) => {
        const rows = others.map((kind) => [intent(), result(kind)]);
        rows.splice(at, 0, [intent(), result('d', 200)]);
        const journals = rows.map((lines, index) => journal({ epoch: index + 1, round: index + 1 }, ...lines));
        expect(stateOf(...journals)).toMatchObject({ outcome: 'delivered' });
      }),
      { seed: 1 },
    );
  });

  test('counts each request that may have been accepted without wds knowing', () => {
    const first = journal({ epoch: 1 }, intent());
    expect(stateOf(first)).toMatchObject({ unknown: 1, openFencedMs: Number.POSITIVE_INFINITY });
    const again = journal({ epoch: 2, atMs: 9_000 }, intent(), result('d', 200));
    expect(stateOf(first, again)).toMatchObject({ unknown: 1, openFencedMs: undefined, outcome: 'delivered' });
    expect(stateOf(journal({ epoch: 1 }, intent(), result('a')))).toMatchObject({ unknown: 1, attempts: 1 });
    expect(stateOf(journal({ epoch: 1 }, intent(), result('c')))).toMatchObject({ unknown: 1 });
    expect(stateOf(journal({ epoch: 1 }, intent(), result('t', 500), result('u')))).toMatchObject({ unknown: 0 });
    const given = journal({ epoch: 1 }, intent(), result('a', undefined, 1), result('x', undefined, 0));
    expect(stateOf(given, again)).toMatchObject({ unknown: 1 });
  });

  test('an attempt whose outcome is unknown is used up', () => {
    const lost = journal({ epoch: 1 }, intent(1_500));
    expect(stateOf(lost, journal({ epoch: 2, atMs: 4_000 }))).toMatchObject({ attempts: 1, firstFailureMs: 1_500 });
  });

  test('that may have been accepted never ends as rejected or undelivered', () => {
    for (const kind of ['r', 'u'] as const) {
      const state = stateOf(
        journal({ epoch: 1 }, intent()),
        journal({ epoch: 2 }, intent(), result('t', 500), result(kind, 500)),
      );
      expect(state).toMatchObject({ outcome: 'unconfirmed', unknown: 1 });
    }
  });

  test('a request is open until the next attempt that took the row was there, whatever the clocks said', () => {
    const lost = journal({ epoch: 1, atMs: 9_000 }, intent(9_999));
    const next = journal({ epoch: 2, atMs: 5_000 });
    const later = journal({ epoch: 3, atMs: 4_000 });
    expect(stateOf(lost, next)).toMatchObject({ openFencedMs: 5_000 });
    expect(stateOf(lost, next, later)).toMatchObject({ openFencedMs: 4_000 });
    const other = { ...journal({ epoch: 2, atMs: 5_000 }), scope: rangeScope(8, 99) };
    expect(stateOf(lost, other)).toMatchObject({ openFencedMs: Number.POSITIVE_INFINITY });
  });

  test('a late answer of a superseded attempt settles its own request, not that of a later one', () => {
    const late = journal({ epoch: 1 }, intent(1_100), result('t', 500));
    const newer = journal({ epoch: 2 }, intent(9_000));
    expect(stateOf(late, newer)).toMatchObject({ outcome: undefined, unknown: 1 });
    expect(stateOf(journal({ epoch: 1 }, intent(1_100), result('d', 200)), newer)).toMatchObject({
      outcome: 'delivered',
    });
  });

  test('that two attempts delivered is named, though both answers are known', () => {
    const late = journal({ epoch: 1 }, intent(1_100), result('d', 200));
    expect(stateOf(late, journal({ epoch: 2 }, intent(9_000), result('d', 200)))).toMatchObject({ maybeTwice: true });
    expect(stateOf(late, journal({ epoch: 2 }, result('d', undefined)))).toMatchObject({ maybeTwice: false });
  });

  test('a new round counts attempts anew and opens what was rejected or undelivered', () => {
    for (const kind of ['r', 'u'] as const) {
      const state = stateOf(journal({ epoch: 1 }, intent(), result('t', 500, 4), result(kind, 500, 4)));
      expect(outcomeInRound(state, 1, false)).toBeDefined();
      expect(outcomeInRound(state, 2, false)).toBeUndefined();
    }
    const again = stateOf(
      journal({ epoch: 1 }, intent(), result('t', 500, 4), result('u', 500, 4)),
      journal({ epoch: 2, round: 2 }, intent(), result('t', 500, 1)),
    );
    expect(again).toMatchObject({ outcome: undefined, attempts: 1, round: 2 });
  });

  test('is the same where later journals were folded before earlier ones', () => {
    const moved = journal({ epoch: 5, round: 2 }, result('m', undefined, 0, 2_000, 'b:7'));
    const took = journal({ epoch: 6, round: 2 }, result('o', undefined, 0, 2_000, 'a:3'));
    const [tried, lost] = [
      journal({ epoch: 3 }, intent(), result('r', 422)),
      journal({ epoch: 1, boot: 'another run' }),
    ];
    const sent = journal({ epoch: 4 }, intent(), result('d', 200));
    for (const [later, ...earlier] of [
      [took, tried, moved],
      [moved, tried],
      [sent, lost, tried],
      [took, lost, sent],
    ]) {
      const base = parseStates(statesText(foldJournals([later!], { boot: BOOT })));
      const folded = settled(foldJournals(earlier, { states: base, boot: BOOT })).get(7);
      const whole = stateOf(...[later!, ...earlier].sort((a, b) => a.epoch - b.epoch));
      for (const key of ['outcome', 'movedTo', 'tookFrom', 'unknown', 'maybeTwice'] as const) {
        expect([key, folded?.[key]]).toEqual([key, whole?.[key]]);
      }
    }
  });

  test('given up after a power loss is named: it may have been sent in what the power took', () => {
    const lost = journal({ epoch: 1, boot: 'another run' });
    expect(stateOf(lost, journal({ epoch: 2 }, result('u')))).toMatchObject({
      outcome: 'undelivered',
      maybeTwice: true,
    });
    expect(stateOf(journal({ epoch: 1 }), journal({ epoch: 2 }, result('u')))).toMatchObject({ maybeTwice: false });
  });

  test('unconfirmed stays so where it was opened on request and not sent after all', () => {
    const first = journal({ epoch: 1 }, intent(), result('c', undefined, 1, 2_000, 'cut'));
    const again = journal({ epoch: 2, round: 2 }, intent(9_000), result('p', undefined, 0, 9_100));
    expect(stateOf(first, again)).toMatchObject({ outcome: 'unconfirmed', unknown: 1, reason: 'cut' });
  });

  test('unconfirmed is opened on request only, and what is unknown is remembered', () => {
    const first = journal({ epoch: 1 }, intent(), result('c'));
    expect(outcomeInRound(stateOf(first), 2, false)).toBe('unconfirmed');
    expect(outcomeInRound(stateOf(first), 2, true)).toBeUndefined();
    expect(outcomeInRound(stateOf(first), 1, true)).toBe('unconfirmed');
    const second = journal({ epoch: 2, round: 2 }, intent(), result('c'));
    expect(stateOf(first, second)).toMatchObject({ unknown: 2, unknownBefore: 1 });
  });

  test('given up for lost, but never sent, as its own attempt found out afterwards, is undelivered', () => {
    const late = journal({ epoch: 1 }, intent(1_100), result('p'));
    expect(stateOf(late, journal({ epoch: 2 }, result('c')))).toMatchObject({ outcome: 'undelivered', unknown: 0 });
  });

  test('brings along what may have reached its user in the file that it mends, once', () => {
    const taken = resultLine('o', 7, undefined, 2, 3_000, 'abc:9');
    expect(stateOf(journal({ epoch: 1 }, taken), journal({ epoch: 2 }, taken))).toMatchObject({
      unknown: 2,
      inherited: 2,
    });
    const lost = journal({ epoch: 3 }, intent());
    expect(stateOf(journal({ epoch: 1 }, taken), lost)).toMatchObject({ unknown: 3 });
  });

  test('sent again after a machine went down with its journal open is named', () => {
    const before = journal({ epoch: 1, boot: 'earlier-run' });
    const after = journal({ epoch: 2 }, intent(), result('d', 200));
    expect(stateOf(before, after)).toMatchObject({ maybeTwice: true });
    expect(stateOf(journal({ epoch: 1, boot: 'earlier-run' }, CLOSED_LINE), after)).toMatchObject({
      maybeTwice: false,
    });
    expect(stateOf(journal({ epoch: 1 }), after)).toMatchObject({ maybeTwice: false });
  });
});

test('a row that failed in an earlier round and is being sent in this one has not ended, whatever comes of its request', () => {
  const failed = journal({ epoch: 1 }, intent(), result('t', 500), result('u', 500), CLOSED_LINE);
  for (const kind of ['u', 'r'] as const) {
    const first = journal({ epoch: 1 }, intent(), result('t', 500), result(kind, 500), CLOSED_LINE);
    const state = stateOf(first, journal({ epoch: 2, round: 2 }, intent()));
    expect(outcomeInRound(state, 2, false)).toBeUndefined();
    expect(state).toMatchObject({ outcome: undefined, unknown: 1, openFencedMs: Number.POSITIVE_INFINITY });
  }
  const late = stateOf(failed, journal({ epoch: 2, round: 2 }, intent(), result('a', undefined)));
  expect(late).toMatchObject({ outcome: undefined, unknown: 1 });
});

describe('a row that was taken over', () => {
  const moved = (to: string) => result('m', undefined, 0, 2_000, to);

  test('belongs to whoever took it last, in the order of the attempts, whichever is read first', () => {
    const first = journal({ epoch: 1 }, moved('a:2'));
    const last = journal({ epoch: 3 }, moved('c:2'), CLOSED_LINE);
    expect(stateOf(first, last)).toMatchObject({ movedTo: 'c:2' });
    const base = foldJournals([last], { boot: BOOT });
    expect(foldJournals([first], { states: base, boot: BOOT }).get(7)).toMatchObject({ movedTo: 'c:2' });
  });

  test('was not, where its own batch came later and did not see it: it was overtaken before its look', () => {
    const overtaken = journal({ epoch: 1 }, moved('a:2'));
    const delivers = journal({ epoch: 2 }, intent(), result('d', 200));
    expect(stateOf(overtaken, journal({ epoch: 2 }, intent()))).toMatchObject({ movedTo: '', unknown: 1 });
    expect(stateOf(overtaken, delivers)).toMatchObject({ movedTo: '', outcome: 'delivered' });
  });
});

describe('states that were folded', () => {
  const anyEvent = fc.constantFrom<ResultKind | 'i'>(...('iiidrcptafx'.split('') as (ResultKind | 'i')[]));
  const anyJournal = fc.record({ closed: fc.boolean(), events: fc.array(anyEvent, { maxLength: 4 }) });

  test('and folded on come to the same as all journals at once, also where open ones were left out', () => {
    fc.assert(
      fc.property(fc.array(anyJournal, { minLength: 1, maxLength: 8 }), fc.nat(8), (entries, cut) => {
        const journals = entries.map(({ closed, events }, index) => {
          const lines = events.map((kind) => (kind === 'i' ? intent() : result(kind, 500, 1)));
          // A journal that was closed has nothing open.
          const end = closed ? [result('p'), CLOSED_LINE] : [];
          return journal({ epoch: index + 1, round: 1, atMs: 1_000 + index }, ...lines, ...end);
        });
        const all = settled(foldJournals(journals)).get(7);
        const folded = journals.slice(0, cut).filter(({ closed }) => closed);
        const states = parseStates(statesText(foldJournals(folded)));
        const rest = journals.filter((one) => !folded.includes(one));
        const again = settled(foldJournals(rest, { states })).get(7);
        expect([again?.outcome === 'delivered', again?.unknown ?? 0]).toEqual([
          all?.outcome === 'delivered',
          all?.unknown ?? 0,
        ]);
      }),
      { seed: 2, numRuns: 500 },
    );
  });
});

describe('a journal of before rounds were numbers', () => {
  test('says the same, for all rows of its chunk or one', () => {
    const parsed = parseOldJournal(`h 1 run-2 1000\n${intent()}${result('t', 500, 2)}`)!;
    expect(parsed).toMatchObject({ run: 'run-2', atMs: 1_000, closed: false });
    expect(stateOf({ ...parsed, epoch: -5, round: 1 })).toMatchObject({ attempts: 2, round: 1 });
    expect(parseOldJournal('h 1 run-1 1000\n', 7)).toMatchObject({ scope: linesScope('alert', [7]) });
    expect(parseOldJournal('h')).toBeUndefined();
  });
});
