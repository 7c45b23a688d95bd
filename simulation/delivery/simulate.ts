/** One schedule, from its plan to its verdict. */
import type { JudgeOptions, Violation } from './judge.ts';
import { judge } from './judge.ts';
import type { Plan } from './plan.ts';
import { Story } from './story.ts';
import { inSimulatedTime } from './timers.ts';
import { MAXIMUM_UNANSWERED } from './wiring.ts';

export interface Verdict {
  readonly violations: readonly Violation[];
  readonly events: number;
  readonly requests: number;
  readonly simulatedMs: number;
  /** How often things happened, by kind. */
  readonly counts: ReadonlyMap<string, number>;
}

export interface SimulateOptions {
  /** Told of every event. */
  readonly trace?: ((text: string) => void) | undefined;
}

const PROMISES: JudgeOptions = { maximumUnanswered: MAXIMUM_UNANSWERED };

/** Not to be called from within a promise's continuation: microtasks are run in here. */
export function simulate(plan: Plan, options: SimulateOptions = {}): Verdict {
  return inSimulatedTime(() => {
    let story: Story | undefined;
    const trace = options.trace && ((text: string) => options.trace?.(`${timeOf(story)} ${text}`));
    story = new Story(plan, trace);
    const { scheduler, network, temporal } = story.site;
    const unhandled = (error: unknown): void => story?.alarm(`unhandled: ${(error as Error)?.stack ?? error}`);
    process.on('unhandledRejection', unhandled);
    const { stackTraceLimit } = Error;
    // Errors are values here, and many; whoever traces wants to see where they are from.
    if (trace === undefined) Error.stackTraceLimit = 0;
    try {
      story.play();
      const { nowMs: simulatedMs, events } = scheduler;
      const violations = judge(story, PROMISES);
      return { violations, events, requests: network.written.length, simulatedMs, counts: temporal.counts };
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
      process.off('unhandledRejection', unhandled);
    }
  });
}

const timeOf = (story: Story | undefined): string =>
  ((story?.site.scheduler.nowMs ?? 0) / 1_000).toFixed(3).padStart(10);
