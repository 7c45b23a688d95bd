/** A receiver that acts on every alert and never answers: nobody is alerted more often than `endpoint.maximumUnanswered` allows. */
import { describe, expect } from 'vitest';
import { alerts, asCsv } from '../support/alert-files.ts';
import { test } from '../support/e2e-test.ts';

/** So few that the endpoint is not taken for dead, which would make the rest of them wait for probes. */
const USERS = 3;

describe.concurrent('a receiver that acts and never answers', () => {
  for (const [ambiguous, maximumUnanswered, most] of [
    ['resend', 2, 2],
    ['resend', 1, 1],
    ['hold', 3, 1],
  ] as const) {
    test(`${ambiguous}, ${maximumUnanswered} allowed: ${most} a user, then all are unconfirmed and never in failed.csv; a press is one more`, async ({
      site,
    }) => {
      await site.receive(['--hostile', 'never-answers'], { ambiguous, maximumUnanswered, timeoutSeconds: 0.5 });
      await site.worker();
      const path = await site.write('alerts.csv', asCsv(alerts(USERS)));
      const requestsOfEach = async (): Promise<readonly number[]> => {
        const times = new Map<string, number>();
        for (const { webhookId } of await site.receiver.requests())
          times.set(webhookId, (times.get(webhookId) ?? 0) + 1);
        return [...times.values()];
      };
      const sent = await site.send(path);
      expect(sent).toMatchObject({
        code: 4,
        result: { delivered: 0, undelivered: 0, rejected: 0, unconfirmed: USERS },
      });
      expect(await requestsOfEach()).toEqual(Array(USERS).fill(most));
      expect(await site.report(sent.result, 'failed.csv')).toEqual([]);
      expect(await site.report(sent.result, 'ambiguous.csv')).toHaveLength(USERS);

      expect(await site.retry(path)).toMatchObject({ code: 4 });
      expect(await requestsOfEach()).toEqual(Array(USERS).fill(most));
      expect(await site.retry(path, '--unconfirmed')).toMatchObject({ code: 4, result: { unconfirmed: USERS } });
      expect(await requestsOfEach()).toEqual(Array(USERS).fill(most + 1));
    });
  }
});
