import { describe, expect, test } from 'vitest';
import { CONFIRMATION_VALID_MS, mayBegin, supersedes } from '../../../src/domain/ledger/fence.ts';
import type { JournalHeader, Scope } from '../../../src/domain/ledger/journal.ts';
import { linesScope, rangeScope } from '../../../src/domain/ledger/journal.ts';

const attempt = (epoch: number, round: number, scope: Scope): JournalHeader => ({ epoch, round, scope, atMs: 0 });
const batch = rangeScope(2, 50);
const alert = linesScope('alert', [7]);
const takeOver = linesScope('takeover', [7]);

describe('an attempt', () => {
  test.each([
    ['a later attempt at the batch takes the row', batch, batch, 1, true],
    ['a batch of other rows does not', rangeScope(60, 80), batch, 1, false],
    ['sendAlert takes it from the batch that handed it over', alert, batch, 1, true],
    ['the batch of the same round leaves it to sendAlert', batch, alert, 1, false],
    ['the batch of the next round takes it back', batch, alert, 2, true],
    ['a later attempt of sendAlert takes it', alert, alert, 1, true],
    ['a mended row takes it from the batch', takeOver, batch, 1, true],
    ['and from sendAlert', takeOver, alert, 1, true],
  ] as const)('%s', (_, newer, older, round, takes) => {
    expect(supersedes(attempt(5, round, newer), attempt(4, 1, older), 7)).toBe(takes);
    expect(supersedes(attempt(3, round, newer), attempt(4, 1, older), 7)).toBe(false);
  });

  test('of a round that is over takes nothing, however high its epoch', () => {
    expect(supersedes(attempt(9, 1, batch), attempt(4, 2, batch), 7)).toBe(false);
  });
});

test('a request may begin while its confirmation holds, counted from when the look was begun', () => {
  expect(mayBegin(5_000, 5_000 + CONFIRMATION_VALID_MS)).toBe(true);
  expect(mayBegin(5_000, 5_001 + CONFIRMATION_VALID_MS)).toBe(false);
});
