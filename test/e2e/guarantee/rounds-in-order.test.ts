/** Rounds only rise: a worker that wakes up with work of an earlier round sends nothing more of it, and hides nothing of the newer one. */
import { describe, expect } from 'vitest';
import { fileWorkflowId } from '../../../src/domain/names.ts';
import { alerts, asCsv } from '../support/alert-files.ts';
import { test } from '../support/e2e-test.ts';
import { listen } from '../support/scripted-receiver.ts';
import type { Site } from '../support/site.ts';
import { eventsOf, historyOf, pendingActivities } from '../support/temporal-service.ts';
import { until } from '../support/waiting.ts';

const TIMEOUT_SECONDS = 12;
/** Between the two attempts of the newer round: time for the hung worker to have its turn. */
const PAUSE_SECONDS = 6;
/** What the hung worker sends then is still open at the second attempt. */
const SLOW_ANSWER_MS = 9_000;
const TRIES = 8;

/** Whether an activity was begun again, as it is when its worker has been silent for 10 s. */
async function wasGivenToAnother(site: Site, workflowId: string): Promise<boolean> {
  const started = eventsOf(await historyOf(site, workflowId)).map((event) => event.activityTaskStartedEventAttributes);
  return started.some((attributes) => (attributes?.attempt ?? 1) > 1);
}

describe('a worker that hangs with a batch of the first round, while a retry is under way', () => {
  test('and then goes on: an alert on hold is accepted once', async ({ site, onTestFinished }) => {
    const { receiver, url, close } = await listen();
    onTestFinished(close);
    await site.configure(url, {
      ...{
        ambiguous: 'hold',
        timeoutSeconds: TIMEOUT_SECONDS,
        retry: { initialSeconds: PAUSE_SECONDS, maximumSeconds: PAUSE_SECONDS },
      },
    });
    const hung = await site.worker('alerts');
    await Promise.all([site.worker('files'), site.worker('alerts')]);
    receiver.script = ({ userId }) => ({ status: userId.endsWith('-1') ? 422 : 200 });
    hung.kill('SIGSTOP');
    // Which of two pollers gets a batch is Temporal's choice: files are sent until the hung one has got one.
    const sha256 = await (async () => {
      for (let at = 1; at <= TRIES; at++) {
        const file = await site.write(`a${at}.csv`, asCsv(alerts(3, `file-${at}`)));
        const { code, result } = await site.send(file);
        expect(code).toBe(3);
        if (await wasGivenToAnother(site, result.workflowId)) return result.sha256;
      }
      throw new Error(`the hung worker got none of ${TRIES} batches`);
    })();

    receiver.arrivals.length = 0;
    receiver.script = () => ({ status: 503 });
    const retry = site.retry(sha256);
    await until('the retry has failed once, and wds knows', async () => {
      const pending = await pendingActivities(site, fileWorkflowId(sha256, 'crm'));
      return pending.some(({ lastFailure }) => lastFailure);
    });
    receiver.script = ({ all }) => ({ status: 200, afterMs: all === 2 ? SLOW_ANSWER_MS : 0 });
    hung.kill('SIGCONT');
    expect(await retry).toMatchObject({ code: 0, result: { delivered: 3, unconfirmed: 0 } });
    expect([...receiver.accepted().values()]).toEqual([1]);
  });
});
