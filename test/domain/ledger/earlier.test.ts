import { describe, expect, test } from 'vitest';
import { judgeEarlier } from '../../../src/domain/ledger/earlier.ts';
import type { ParsedJournal } from '../../../src/domain/ledger/journal.ts';
import { headerLine, linesScope, parseJournal, resultLine, SAME_AS } from '../../../src/domain/ledger/journal.ts';
import { settled } from '../../../src/domain/ledger/outcomes.ts';
import { namesIn } from '../../../src/domain/ledger/row-names.ts';
import type { RowState } from '../../../src/domain/ledger/row-state.ts';
import { foldJournals, freshState } from '../../../src/domain/ledger/row-state.ts';
import { parseStates, statesText } from '../../../src/domain/ledger/states-text.ts';

const LINE = 7;
const [ONE, TWO] = [`${'a'.repeat(64)}:2`, `${'b'.repeat(64)}:12`];

function journal(epoch: number, ...lines: readonly string[]): ParsedJournal {
  const scope = linesScope('takeover', [LINE]);
  return parseJournal(headerLine({ round: 1, atMs: 0, scope, parseKey: 'csv' }) + lines.join(''), epoch)!;
}
const waits = (name: string): string => resultLine('w', LINE, undefined, 0, 1, name);
const took = (name: string, unknown = 0): string => resultLine('o', LINE, undefined, unknown, 2, name);
const same = (name: string): string => resultLine('d', LINE, undefined, 0, 3, `${SAME_AS}${name}`);
const state = (...journals: readonly ParsedJournal[]): RowState => settled(foldJournals(journals)).get(LINE)!;

describe('a row that waits for rows of earlier files', () => {
  test('waits until each of them has left something to it, in whatever order that is read', () => {
    expect(namesIn(state(journal(1, waits(ONE), waits(TWO))).waitsFor)).toEqual([ONE, TWO]);
    expect(namesIn(state(journal(1, waits(ONE), waits(TWO)), journal(2, took(ONE, 1))).waitsFor)).toEqual([TWO]);
    const free = state(journal(1, took(ONE), took(TWO, 2)), journal(2, waits(ONE)), journal(3, waits(TWO)));
    expect(free).toMatchObject({ waitsFor: '', unknown: 2 });
    expect(namesIn(free.tookFrom)).toEqual([ONE, TWO]);
  });

  test('is the same after its journals were folded', () => {
    const journals = [journal(1, waits(ONE), waits(TWO)), journal(2, took(TWO)), journal(3, same(ONE))];
    for (let count = 1; count <= journals.length; count++) {
      const states = parseStates(statesText(foldJournals(journals.slice(0, count))));
      expect(foldJournals(journals.slice(count), { states }).get(LINE)).toEqual(state(...journals));
    }
  });

  test('is delivered where one of them was, as a duplicate, unless it was answered itself', () => {
    expect(state(journal(1, waits(TWO)), journal(2, same(ONE)))).toMatchObject({
      outcome: 'delivered',
      duplicateOf: ONE,
    });
    const answered = resultLine('d', LINE, 200, 1, 9);
    for (const journals of [
      [journal(1, same(ONE)), journal(2, answered)],
      [journal(1, answered), journal(2, same(ONE))],
    ]) {
      expect(state(...journals)).toMatchObject({ outcome: 'delivered', duplicateOf: '', attempts: 1, status: 200 });
    }
  });
});

describe('a row of an earlier file', () => {
  const self = { sha256: 'c'.repeat(64), line: 4 };
  const question = { self, newestRound: 2, sinceMs: 1_000 };
  const judged = (changes: Partial<RowState>) => judgeEarlier({ ...freshState(), ...changes }, question);

  test.each([
    ['was never sent', {}, { kind: 'undecided', unknown: 0 }],
    ['was delivered', { outcome: 'delivered', atMs: 1_000 }, { kind: 'delivered', unknown: 0 }],
    ['was delivered too long ago', { outcome: 'delivered', atMs: 999 }, { kind: 'gone', unknown: 0 }],
    ['is a duplicate itself', { outcome: 'delivered', atMs: 5_000, duplicateOf: ONE }, { kind: 'gone', unknown: 0 }],
    ['was rejected in this round', { outcome: 'rejected', outcomeRound: 2 }, { kind: 'ended', unknown: 0 }],
    ['was rejected in an earlier round', { outcome: 'rejected', outcomeRound: 1 }, { kind: 'undecided', unknown: 0 }],
    ['is unconfirmed', { outcome: 'unconfirmed', outcomeRound: 2, unknown: 1 }, { kind: 'ended', unknown: 1 }],
    [
      'has a request open',
      { outcome: 'rejected', outcomeRound: 2, openFencedMs: 3 },
      { kind: 'undecided', unknown: 0 },
    ],
    ['belongs to another file by now', { movedTo: ONE, unknown: 2 }, { kind: 'gone', unknown: 2 }],
    [
      'belongs to the one who asks, who may not have seen to it',
      { movedTo: `${'c'.repeat(64)}:4` },
      { kind: 'ended', unknown: 0 },
    ],
  ] as const)('%s', (_, changes, expected) => {
    expect(judged(changes)).toEqual(expected);
  });
});
