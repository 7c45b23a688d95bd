import { describe, expect, it } from 'vitest';
import type { Answer, JudgeContext } from '../../src/domain/answers.ts';
import { judge, parseRetryAfterMs, signOf } from '../../src/domain/answers.ts';

const NOW = Date.UTC(2026, 0, 1, 12, 0, 0);
const resend: JudgeContext = {
  ambiguous: 'resend',
  idempotencyKeySent: true,
  maxRetryAfterMs: 3_600_000,
  successStatuses: undefined,
  hasTakenOne: true,
  nowMs: NOW,
};
const hold: JudgeContext = { ...resend, ambiguous: 'hold' };
const response = (status: number, headers: { retryAfter?: string; date?: string } = {}): Answer => ({
  kind: 'response',
  status,
  ...headers,
});
const kinds = (statuses: readonly number[], context: JudgeContext) =>
  Object.fromEntries(statuses.map((status) => [status, judge(response(status), context).kind]));
const all = (statuses: readonly number[], kind: string) => Object.fromEntries(statuses.map((status) => [status, kind]));

describe('judge', () => {
  it('gives as the reason what the receiver said', () => {
    const answer: Answer = { kind: 'response', status: 400, excerpt: '{"error":"unknown user"}' };
    expect(judge(answer, resend)).toMatchObject({ kind: 'permanent', reason: 'HTTP 400: {"error":"unknown user"}' });
    expect(judge({ ...answer, status: 500 }, resend)).toMatchObject({ reason: 'HTTP 500: {"error":"unknown user"}' });
    expect(judge(response(400), resend)).toMatchObject({ reason: 'HTTP 400' });
  });

  it('takes every 2xx as delivered', () => {
    const statuses = [200, 201, 202, 204, 206, 226, 299];
    expect(kinds(statuses, resend)).toEqual(all(statuses, 'delivered'));
    expect(kinds(statuses, hold)).toEqual(all(statuses, 'delivered'));
  });

  it('takes timeouts, overload and server errors as transient when ambiguous alerts are resent', () => {
    const statuses = [408, 425, 500, 502, 503, 504, 506, 507, 508, 511, 520, 521, 522, 523, 524, 525, 529, 599];
    expect(kinds(statuses, resend)).toEqual(all(statuses, 'transient'));
  });

  it('takes answers of a proxy that may have passed the request on as ambiguous under hold, and no others', () => {
    const proxies = [408, 502, 504, 520, 521, 522, 523, 524];
    expect(kinds(proxies, hold)).toEqual(all(proxies, 'ambiguous'));
    const others = [425, 500, 503, 507, 519, 525, 530];
    expect(kinds(others, hold)).toEqual(all(others, 'transient'));
    expect(judge(response(504), hold)).toEqual({ kind: 'ambiguous', status: 504, reason: 'HTTP 504' });
  });

  it('takes redirects, other 4xx, 501 and 505 as permanent', () => {
    const statuses = [300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 410, 413, 418, 422, 451, 501, 505];
    expect(kinds(statuses, resend)).toEqual(all(statuses, 'permanent'));
    expect(kinds(statuses, hold)).toEqual(all(statuses, 'permanent'));
  });

  const suspectsOf = (context: JudgeContext) =>
    Array.from({ length: 300 }, (_, index) => 300 + index).filter((status) => {
      const verdict = judge(response(status), context);
      return verdict.kind === 'permanent' && verdict.endpointSuspect;
    });
  const redirects = Array.from({ length: 100 }, (_, index) => 300 + index);
  const requests = [401, 402, 403, 404, 405, 407, 410, 411, 415, 421, 426];

  it('suspects the endpoint for redirects, and for what every alert would meet alike; for 400 until it has taken one', () => {
    expect(suspectsOf(resend)).toEqual([...redirects, ...requests, 501, 505]);
    expect(suspectsOf({ ...hold, hasTakenOne: false })).toEqual([...redirects, 400, ...requests, 501, 505]);
  });

  it('says where a redirect points', () => {
    expect(judge({ kind: 'response', status: 301, location: 'https://new.example/hook' }, resend)).toMatchObject({
      reason: 'HTTP 301, a redirect to https://new.example/hook',
    });
  });

  it('takes only the stated statuses as delivered, where some are stated', () => {
    const context = { ...resend, successStatuses: [200, 202, 409] };
    expect(kinds([200, 202, 409], context)).toEqual(all([200, 202, 409], 'delivered'));
    expect(kinds([201, 204, 503], context)).toEqual(all([201, 204, 503], 'transient'));
    expect(judge(response(204), context)).toMatchObject({ status: 204, reason: 'HTTP 204, which is no success here' });
  });

  it('takes a success with another body than a success has as a passing failure', () => {
    const answer: Answer = { kind: 'response', status: 200, bodyUnlike: true };
    for (const context of [resend, hold]) {
      expect(judge(answer, context)).toEqual({
        kind: 'transient',
        status: 200,
        reason: 'HTTP 200, but its body is not that of a success',
      });
    }
    expect(judge({ ...answer, status: 404 }, resend).kind).toBe('permanent');
  });

  it("takes the limits of this machine as nobody else's fault", () => {
    const verdict = judge({ kind: 'not_sent', reason: 'connect EMFILE', local: true }, hold);
    expect(verdict).toEqual({ kind: 'local_fault', reason: 'connect EMFILE' });
    expect(signOf(verdict, false, 'hold')).toEqual({ kind: 'none' });
  });

  it('takes 409 as transient when an idempotency key was sent, else as permanent', () => {
    expect(judge(response(409), resend).kind).toBe('transient');
    expect(judge(response(409), { ...resend, idempotencyKeySent: false }).kind).toBe('permanent');
  });

  it('takes a status that HTTP does not know as a server error, and an interim one as no answer', () => {
    expect(kinds([600, 999], resend)).toEqual({ 600: 'transient', 999: 'transient' });
    expect(kinds([0, 100, 101, 199, Number.NaN], resend)).toEqual({
      0: 'ambiguous',
      100: 'ambiguous',
      101: 'ambiguous',
      199: 'ambiguous',
      NaN: 'ambiguous',
    });
  });

  it('takes 429 as throttled, with or without a usable Retry-After', () => {
    expect(judge(response(429, { retryAfter: '7' }), hold)).toEqual({
      kind: 'throttled',
      status: 429,
      retryAfterMs: 7000,
      capped: false,
    });
    expect(judge(response(429, { retryAfter: 'soon' }), resend)).toEqual({
      kind: 'throttled',
      status: 429,
      retryAfterMs: undefined,
      capped: false,
    });
  });

  it('takes 503 as throttled only with a valid Retry-After', () => {
    expect(judge(response(503, { retryAfter: '0' }), resend).kind).toBe('throttled');
    for (const retryAfter of ['', '-5', '0x10', '1.', 'later'])
      expect(judge(response(503, { retryAfter }), resend).kind).toBe('transient');
  });

  it('caps a long Retry-After and says so', () => {
    const verdict = { kind: 'throttled', status: 429, retryAfterMs: 3_600_000, capped: true };
    expect(judge(response(429, { retryAfter: '3601' }), resend)).toEqual(verdict);
    expect(judge(response(429, { retryAfter: '9'.repeat(400) }), resend)).toEqual(verdict);
    expect(judge(response(429, { retryAfter: '3600' }), resend)).toMatchObject({ capped: false });
  });

  it('keeps what was never sent apart from what may have arrived', () => {
    expect(judge({ kind: 'not_sent', reason: 'ECONNREFUSED' }, hold)).toEqual({
      kind: 'not_sent',
      reason: 'ECONNREFUSED',
    });
    expect(judge({ kind: 'ambiguous', reason: 'reset' }, resend)).toEqual({
      kind: 'ambiguous',
      status: undefined,
      reason: 'reset',
    });
    expect(judge({ kind: 'withheld' }, hold)).toEqual({ kind: 'withheld' });
  });
});

describe('parseRetryAfterMs', () => {
  const date = 'Thu, 01 Jan 2026 10:00:00 GMT';

  it('reads whole seconds', () => {
    expect(parseRetryAfterMs('120', undefined, NOW)).toBe(120_000);
    expect(parseRetryAfterMs(' 0 ', undefined, NOW)).toBe(0);
  });

  it("reads an HTTP date against the answer's own Date", () => {
    expect(parseRetryAfterMs('Thu, 01 Jan 2026 10:00:30 GMT', date, NOW)).toBe(30_000);
  });

  it('reads an HTTP date against the clock when the answer has no usable Date', () => {
    expect(parseRetryAfterMs('Thu, 01 Jan 2026 12:01:00 GMT', undefined, NOW)).toBe(60_000);
    expect(parseRetryAfterMs('Thu, 01 Jan 2026 12:01:00 GMT', 'yesterday', NOW)).toBe(60_000);
  });

  it('takes a date that has passed as no wait', () => {
    expect(parseRetryAfterMs('Thu, 01 Jan 2026 09:00:00 GMT', date, NOW)).toBe(0);
  });

  it('reads the two obsolete forms of a date', () => {
    expect(parseRetryAfterMs('Thursday, 01-Jan-26 10:00:05 GMT', date, NOW)).toBe(5_000);
    expect(parseRetryAfterMs('Thu Jan  1 10:00:05 2026', date, NOW)).toBe(5_000);
    expect(parseRetryAfterMs('Sunday, 06-Nov-94 08:49:37 GMT', date, NOW)).toBe(0);
  });

  it.each([
    '',
    ' ',
    '-1',
    '+1',
    '1.',
    '1e3',
    '0x1F',
    '12s',
    '1, 2',
    'Infinity',
    '2026-01-01T10:00:30Z',
    'Thu, 31 Jun 2026 10:00:00 GMT',
    'Thu, 01 Jan 2026 24:00:00 GMT',
    'Thu, 01 Jan 2026 10:00:30 CET',
    'Thu, 1 Jan 2026 10:00:30 GMT',
  ])('ignores %j', (text) => {
    expect(parseRetryAfterMs(text, date, NOW)).toBeUndefined();
  });
});
