import { expect, test } from 'vitest';
import { inboxAnswer } from '../../src/app/inbox-answer.ts';
import { NO_COUNTS } from '../../src/domain/counts.ts';
import { Fault } from '../../src/domain/failure.ts';
import { fileWorkflowId } from '../../src/domain/names.ts';
import type { Installation } from '../../src/temporal/installation.ts';

const SHA = 'a'.repeat(64);
const SUBMISSION = { staged: { sha256: SHA }, fileName: 'a.csv', priority: 'normal' } as never;
const DONE = { kind: 'ended', summary: { ...NO_COUNTS, rows: 2, alerts: 2, delivered: 2 } };
const REFUSED = { kind: 'failed', fault: new Fault('store', 'gone') };
const COLUMN = { kind: 'failed', fault: Object.assign(new Fault('file_refused', 'No column name.', 'Mend it.')) };

async function answerOf(ends: Readonly<Record<string, object>>) {
  const deliveries = {
    untilEnded: async (id: string) => Object.entries(ends).find(([name]) => fileWorkflowId(SHA, name) === id)?.[1],
  };
  const store = { get: async () => undefined, list: async () => [] };
  const installation = { deliveries, store } as unknown as Installation;
  return inboxAnswer(installation, Object.keys(ends), SUBMISSION, new AbortController().signal);
}

test('of one endpoint it is what that one came to', async () => {
  const answer = await answerOf({ crm: DONE });
  expect(answer).toMatchObject({ refusal: undefined, result: { endpoint: 'crm', state: 'completed', delivered: 2 } });
  expect((await answerOf({ crm: COLUMN }))?.refusal).toBe('No column name.\nMend it.');
});

test('of several the result has that of each, and the file is completed when all are', async () => {
  const both = await answerOf({ crm: DONE, sms: DONE });
  expect(both?.result).toMatchObject({ state: 'completed', endpoints: [{ endpoint: 'crm' }, { endpoint: 'sms' }] });
  expect((await answerOf({ crm: DONE, sms: REFUSED }))?.result).toMatchObject({ state: 'failed' });
});

test('refused by all it is rejected; refused by some it stays, and it is said what to do', async () => {
  expect(await answerOf({ crm: COLUMN, sms: COLUMN })).toMatchObject({ refusal: 'No column name.\nMend it.' });
  const some = await answerOf({ crm: DONE, sms: COLUMN });
  expect(some?.refusal).toBeUndefined();
  expect(some?.partly).toContain('Endpoint sms: No column name.');
  expect(some?.partly).toContain('wds send FILE --endpoint sms');
});

test('as long as one of them is not known nothing is said', async () => {
  expect(await answerOf({ crm: DONE, sms: { kind: 'stopped_waiting' } })).toBeUndefined();
});
