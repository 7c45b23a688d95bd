/** The notifier: tells, and tells again until it gets through; nothing is lost from run to run. */
import { expect, it } from 'vitest';
import { HURRY_SIGNAL, NOTICE_SIGNAL, NOTIFIER_WORKFLOW, OPEN_QUERY } from '../../src/domain/names.ts';
import type { Notice } from '../../src/domain/notices/notice.ts';
import type { NotifierInput, SendNoticeInput } from '../../src/domain/notices/notifier-contracts.ts';
import { WorkflowRun } from './workflow-run.ts';

const circuit = (key: string): Notice => ({
  ...{ key, type: 'circuit.opened', at: '2026-11-27T08:00:00.000Z', subject: 'crm', text: 'it is open' },
});
const start = (
  sendNotice: (input: SendNoticeInput, call: { readonly attempt: number }) => void,
  input: NotifierInput = { installation: 'home' },
): Promise<WorkflowRun> => WorkflowRun.start(NOTIFIER_WORKFLOW, input, { sendNotice });

it('tells by each way, the same notification under the same ID, again where it fails', async () => {
  const sent: string[] = [];
  const run = await start(({ way, id, body }, { attempt }) => {
    sent.push(`${way} ${attempt} ${body.type} ${id}`);
    if (way === 'url' && attempt < 3) throw new Error('HTTP 503');
  });
  run.signal(NOTICE_SIGNAL, circuit('a'));
  run.signal(NOTICE_SIGNAL, circuit('a'));
  await run.until(() => sent.length === 4);
  const ids = new Set(sent.map((line) => line.split(' ')[3]));
  expect(ids.size).toBe(1);
  expect(sent.map((line) => line.split(' ').slice(0, 3).join(' ')).sort()).toEqual([
    'command 1 circuit.opened',
    'url 1 circuit.opened',
    'url 2 circuit.opened',
    'url 3 circuit.opened',
  ]);
});

it('one that never gets through holds up no other', async () => {
  const sent: string[] = [];
  const run = await start(({ body }) => {
    if (body.text === 'it is open') throw new Error('HTTP 503');
    sent.push(body.text);
  });
  run.signal(NOTICE_SIGNAL, circuit('a'));
  await run.drain();
  run.signal(NOTICE_SIGNAL, { ...circuit('b'), subject: 'erp', text: 'another one' });
  await run.until(() => sent.length === 2);
  expect(sent).toEqual(['another one', 'another one']);
});

it('tells what it has gathered at once where it is in a hurry', async () => {
  const sent: string[] = [];
  const run = await start(({ body }) => sent.push(body.text));
  const begunMs = run.nowMs;
  run.signal(NOTICE_SIGNAL, { ...circuit('f'), type: 'file.failed' });
  await run.drain();
  expect(await run.query(OPEN_QUERY)).toBe(1);
  run.signal(HURRY_SIGNAL);
  await run.until(() => sent.length === 2);
  await run.drain();
  expect(run.nowMs - begunMs).toBeLessThan(2_000);
  expect(await run.query(OPEN_QUERY)).toBe(0);
});

it('hands on what is gathered, what was told, and what has not got through', async () => {
  const run = await start(() => {
    throw new Error('HTTP 503');
  });
  run.signal(NOTICE_SIGNAL, circuit('a'));
  await run.drain();
  run.signal(NOTICE_SIGNAL, circuit('b'));
  await run.drain();
  run.historyLength = 2_000;
  run.signal(NOTICE_SIGNAL, circuit('c'));
  const end = await run.ended();
  expect(end.kind).toBe('continued');
  const input = (end as { readonly input: NotifierInput }).input;
  expect(input.open?.map(({ way }) => way).sort()).toEqual(['command', 'url']);
  const sent: SendNoticeInput[] = [];
  const next = await start((one) => sent.push(one), input);
  next.signal(NOTICE_SIGNAL, circuit('a'));
  await next.until(() => sent.length === 4);
  expect(sent.map(({ body }) => body.data.count).sort()).toEqual([1, 1, 2, 2]);
});
