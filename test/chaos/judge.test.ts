/** The judge of the chaos rounds: it finds each kind of broken promise in a round that is otherwise in order, and nothing else. */
import { describe, expect, it } from 'vitest';
import type { FileEvidence, Receipt } from '../../chaos/evidence.ts';
import type { Input } from '../../chaos/inputs.ts';
import { makeInput, makeMended } from '../../chaos/inputs.ts';
import type { Evidence, PromiseName } from '../../chaos/judge.ts';
import { judge } from '../../chaos/judge.ts';
import type { LoggedRequest } from '../../chaos/receiver-log.ts';
import { messageHash } from '../../chaos/receiver-log.ts';
import { webhookId } from '../../src/domain/names.ts';

const ENDPOINT = 'crm';
const input = makeInput({
  ...{
    name: 'a.csv',
    format: 'csv',
    gzip: false,
    rows: 3,
    refused: 0,
    stubborn: 0,
    invalid: 0,
    duplicates: 1,
    seed: 5,
  },
});
const first = input.rows[0]!;

const alertsOf = ({ rows }: Input) => rows.filter(({ is }) => is === 'alert');

function request(of: Input, line: number, change: Partial<LoggedRequest> = {}): LoggedRequest {
  const { user, message } = of.rows.find((row) => row.line === line)!;
  const id = webhookId(ENDPOINT, of.sha256, line);
  return { atMs: 1, id, user, hash: messageHash(message), status: 200, accepted: true, ...change };
}

const requestsOf = (of: Input): LoggedRequest[] => alertsOf(of).map(({ line }) => request(of, line));

function evidenceOf(
  of: Input,
  change: {
    outcomes?: Record<number, string>;
    ambiguous?: number[];
    failed?: number[];
    presses?: number;
    state?: string;
  } = {},
): FileEvidence {
  const receipts: Receipt[] = alertsOf(of).map(({ line }) => ({
    ...{ line, outcome: change.outcomes?.[line] ?? 'delivered', reason: '' },
  }));
  const count = (outcome: string): number => receipts.filter((receipt) => receipt.outcome === outcome).length;
  const linesOf = (is: string): number[] => of.rows.filter((row) => row.is === is).map(({ line }) => line);
  const isDone = count('delivered') === receipts.length;
  return {
    input: of,
    presses: change.presses ?? 0,
    said: '',
    report: {
      exitCode: isDone ? 0 : 3,
      state: change.state ?? (isDone ? 'completed' : 'failed'),
      counts: {
        ...{ rows: of.rows.length, alerts: receipts.length, invalid: 0, duplicates: 1, delivered: count('delivered') },
        ...{ rejected: count('rejected'), undelivered: count('undelivered'), unconfirmed: count('unconfirmed') },
      },
      receipts,
      failed: change.failed ?? [],
      ambiguous: change.ambiguous ?? [],
      invalid: linesOf('invalid'),
      duplicates: linesOf('duplicate'),
    },
  };
}

function broken(change: Partial<Evidence>): PromiseName[] {
  const whole: Evidence = {
    ...{ policy: 'hold', maximumUnanswered: 3, endpoint: ENDPOINT },
    ...{ files: [evidenceOf(input)], requests: requestsOf(input), ...change },
  };
  return judge(whole).findings.map(({ promise }) => promise);
}

const others = requestsOf(input).slice(1);
const twice = [...requestsOf(input), request(input, first.line)];

describe('the judge', () => {
  it('finds nothing where all is in order', () => {
    expect(broken({})).toEqual([]);
    expect(broken({ policy: 'resend' })).toEqual([]);
  });

  it('finds who was missed and called delivered', () => {
    expect(broken({ requests: others })).toEqual(['untrue', 'missed']);
  });

  it('takes nothing amiss that is named: unconfirmed, and refused for good', () => {
    expect(
      broken({ requests: others, files: [evidenceOf(input, { outcomes: { [first.line]: 'unconfirmed' } })] }),
    ).toEqual([]);
  });

  it('finds what was not sent although all was well', () => {
    const files = [evidenceOf(input, { outcomes: { [first.line]: 'undelivered' } })];
    expect(broken({ requests: others, files })).toEqual(['unfinished']);
  });

  it('finds a second alert under hold, and after an unanswered request too; a press allows one', () => {
    expect(broken({ requests: twice })).toEqual(['twice']);
    const unanswered = request(input, first.line, { status: 0, accepted: false });
    expect(broken({ requests: [...requestsOf(input), unanswered] })).toEqual(['twice']);
    expect(broken({ requests: twice, files: [evidenceOf(input, { presses: 1 })] })).toEqual([]);
  });

  it('finds a second alert under resend that is not named', () => {
    expect(broken({ policy: 'resend', requests: twice })).toEqual(['unnamed']);
    const files = [evidenceOf(input, { ambiguous: [first.line] })];
    expect(broken({ policy: 'resend', requests: twice, files })).toEqual([]);
  });

  it('finds more requests with an unknown outcome than are allowed', () => {
    const unanswered = Array.from({ length: 3 }, () => request(input, first.line, { status: 0 }));
    const files = [evidenceOf(input, { ambiguous: [first.line] })];
    expect(broken({ policy: 'resend', requests: [...others, ...unanswered], files })).toEqual([]);
    expect(broken({ policy: 'resend', requests: [...requestsOf(input), ...unanswered], files })).toEqual(['tooOften']);
  });

  it('finds an accepted alert that is called undelivered, or that somebody may mend', () => {
    const outcomes = { [first.line]: 'undelivered' };
    expect(broken({ files: [evidenceOf(input, { outcomes, failed: [first.line] })] })).toEqual(
      expect.arrayContaining(['denied', 'denied']),
    );
  });

  it('finds rows without an end or with two, and sums that do not agree', () => {
    const { report, ...rest } = evidenceOf(input);
    const receipts = report!.receipts;
    const told = (change: Partial<NonNullable<FileEvidence['report']>>): PromiseName[] =>
      broken({ files: [{ ...rest, report: { ...report!, ...change } }] });
    expect(told({ receipts: receipts.slice(1) })).toContain('ends');
    expect(told({ receipts: [...receipts, receipts[0]!] })).toContain('ends');
    expect(told({ invalid: [first.line] })).toContain('ends');
    expect(told({ duplicates: [] })).toContain('ends');
    expect(told({ counts: { ...report!.counts, delivered: 2 } })).toEqual(['ends']);
  });

  it('finds requests that no file asks for, and altered messages', () => {
    expect(broken({ requests: [...requestsOf(input), request(input, first.line, { id: 'crm_other_2' })] })).toEqual([
      'altered',
    ]);
    expect(broken({ requests: [...others, request(input, first.line, { hash: 1 })] })).toEqual(['altered']);
  });

  it('finds a file that completed without all of it delivered', () => {
    const files = [evidenceOf(input, { outcomes: { [first.line]: 'unconfirmed' }, state: 'completed' })];
    expect(broken({ requests: others, files })).toEqual(['success']);
  });
});

describe('rows that mend each other', () => {
  const origin = (line: number): string => `${input.sha256}:${line}`;
  const row = { user: first.user, message: first.message, origin: origin(first.line) };
  const mended = makeMended('mended-1.csv', [row], 'text', 1);
  const again = makeMended('mended-2.csv', [{ ...row, origin: `${mended.sha256}:2` }], 'line-ends', 2);
  const rest = { invalid: 0, duplicates: 0 };
  const fileOf = (of: Input): FileEvidence => {
    const evidence = evidenceOf(of);
    return { ...evidence, report: { ...evidence.report!, counts: { ...evidence.report!.counts, ...rest } } };
  };

  it('are one alert: accepted once over all files', () => {
    const files = [evidenceOf(input), fileOf(mended), fileOf(again)];
    expect(broken({ files, requests: [...others, request(again, 2)] })).toEqual([]);
    expect(broken({ files, requests: [...others, request(mended, 2), request(again, 2)] })).toEqual(['twice']);
  });

  it('are two alerts when they name two users', () => {
    const other = makeMended('mended-3.csv', [row], 'other-user', 3);
    const files = [evidenceOf(input), fileOf(other)];
    expect(broken({ files, requests: [...requestsOf(input), request(other, 2)] })).toEqual([]);
    expect(broken({ files, requests: requestsOf(input) })).toEqual(['untrue', 'missed']);
  });
});
