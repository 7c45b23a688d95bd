/**
 * What a process has seen of one endpoint, counted in plain numbers: tens of thousands of answers a second go through here, and counting one takes
 * some nanoseconds (docs/decisions/0037-figures-are-read-at-the-scrape.md).
 */
import { Distribution } from '../distribution.ts';
import type { Outcome } from '../domain/alert.ts';
import type { Answer, Verdict } from '../domain/answers.ts';

const ANSWER_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const LAG_SECONDS = [1, 2, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400];

export class EndpointFigures {
  /** Alerts that ended here; one that is retried may end again. */
  readonly outcomes: Record<Outcome, number> = {
    delivered: 0,
    rejected: 0,
    undelivered: 0,
    unconfirmed: 0,
    suppressed: 0,
  };
  /** Requests that ended, by what that means. */
  readonly requests: Record<Exclude<Verdict['kind'], 'withheld'>, number> = {
    delivered: 0,
    throttled: 0,
    transient: 0,
    not_sent: 0,
    local_fault: 0,
    ambiguous: 0,
    permanent: 0,
  };
  /** Answers by status. */
  readonly statuses = new Map<number, number>();
  /** From the request to the end of its answer. */
  readonly answerSeconds = new Distribution(ANSWER_SECONDS);
  /** From the submission of a file to the delivery of its alerts, first try of the file; as exact as a batch is long. */
  readonly lagSeconds = new Distribution(LAG_SECONDS);

  ended(outcome: Outcome, times = 1): void {
    this.outcomes[outcome] += times;
  }

  took(answer: Answer, verdict: Verdict, elapsedMs: number): void {
    if (verdict.kind === 'withheld') return;
    this.requests[verdict.kind]++;
    if (answer.kind !== 'response') return;
    const { status } = answer;
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    this.answerSeconds.add(elapsedMs / 1_000);
  }
}
