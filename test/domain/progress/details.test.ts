import { expect, test } from 'vitest';
import { NOTHING_SENT } from '../../../src/domain/counts.ts';
import { countsOf } from '../../../src/domain/file-plan.ts';
import { progressDetails } from '../../../src/domain/progress/details.ts';
import { grouped } from '../../../src/domain/rows/words.ts';

test('groups digits', () => {
  expect([0, 999, 1_000, 1_234_567].map(grouped)).toEqual(['0', '999', '1,000', '1,234,567']);
});

test('shows a Markdown table of the counts that matter, and no user data', () => {
  const counts = {
    ...countsOf([], NOTHING_SENT),
    rows: 1_500,
    alerts: 1_400,
    delivered: 0,
    pending: 1_400,
    invalid: 3,
  };
  const text = progressDetails({ phase: 'sending', counts, openStubborn: 2 });
  expect(text.split('\n')).toEqual([
    '**Sending, 0 of 1,400**',
    '',
    '| | count |',
    '|---|---:|',
    '| rows read | 1,500 |',
    '| alerts | 1,400 |',
    '| delivered | 0 |',
    '| waiting | 1,400 |',
    '| invalid rows | 3 |',
    '| stubborn, retried one by one | 2 |',
  ]);
});

test('begins with what is going on', () => {
  const counts = { ...countsOf([], NOTHING_SENT), alerts: 50_000, delivered: 4_211 };
  const first = (progress: object): string =>
    progressDetails({ phase: 'sending', counts, openStubborn: 0, ...progress }).split('\n')[0]!;
  expect(first({})).toBe('**Sending, 4,211 of 50,000**');
  const closed = { opensMs: Date.UTC(2026, 10, 27, 7), text: 'its window is closed (08:00-20:00 Europe/Berlin)' };
  expect(first({ closed })).toBe(
    '**Waiting until 2026-11-27 07:00 UTC: its window is closed (08:00-20:00 Europe/Berlin); 4,211 of 50,000 so far**',
  );
  expect(first({ phase: 'paused' })).toBe('**Paused by an operator at 4,211 of 50,000; go on with: wds resume**');
  expect(first({ phase: 'paused', decision: 'the first 20 …' })).toBe('**Waiting for a decision: the first 20 …**');
});
