import { expect, test } from 'vitest';
import type { Waiting } from '../../src/domain/governor/contract.ts';
import { EndpointLog } from '../../src/temporal/endpoint-log.ts';

const waiting = (why: Waiting['why'], text: string, until: string | null = null): Waiting => ({
  ...{ why, text, until },
  cause: null,
  since: null,
});

function told(changes: readonly (Waiting | null)[]): string[] {
  const lines: string[] = [];
  const write = (fields: { event: string }, message: string): void => {
    lines.push(`${fields.event} ${message}`);
  };
  const log = new EndpointLog({ info: write, warn: write } as never, 'crm');
  for (const change of changes) log.changed(change);
  return lines;
}

test('a circuit opens and closes with the reason, once, whatever the cause changes to meanwhile', () => {
  const refused = waiting('circuit', 'nothing gets through: connect ECONNREFUSED');
  expect(told([refused, { ...refused, text: 'nothing gets through: HTTP 503' }, null])).toEqual([
    'circuit_opened crm: circuit open, only probes are sent: nothing gets through: connect ECONNREFUSED',
    'waiting crm: circuit open, only probes are sent: nothing gets through: HTTP 503',
    'circuit_closed crm: circuit closed, it is sent to again',
  ]);
});

test('a pause begins and ends, and what was before it has ended', () => {
  const circuit = waiting('circuit', 'it refuses everything (HTTP 401): check its secret');
  expect(told([circuit, waiting('paused', 'paused by an operator'), null])).toEqual([
    expect.stringMatching(/^circuit_opened .*HTTP 401/),
    'endpoint_paused crm: paused by an operator',
    'endpoint_resumed crm: resumed by an operator',
    'circuit_closed crm: circuit closed, it is sent to again',
  ]);
});

test('a pause that the receiver asked for says until when', () => {
  const asked = waiting('asked', 'the receiver asked for a pause (HTTP 429)', '2026-01-01T14:03:10.000Z');
  expect(told([asked, null])).toEqual([
    'waiting crm: waiting: the receiver asked for a pause (HTTP 429), until 2026-01-01T14:03:10.000Z',
    'waiting_over crm: it is sent what there is again',
  ]);
});

test('control characters of an answer do not come through', () => {
  expect(told([waiting('trouble', 'a\u001b[2Jb')])[0]).not.toContain('\u001b');
});
