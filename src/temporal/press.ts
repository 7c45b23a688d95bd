/**
 * When a try at a file that has ended already is the answer to somebody who pressed `wds retry`: if it began after that. Twenty who press at once
 * are so served by one round, however quickly it ends; whoever presses after it gets another one.
 */
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { REOPENS_MEMO } from '../domain/names.ts';

/** Clocks of different hosts agree so well, as a rule. Where they do not there may be one round more. */
const CLOCKS_AGREE_WITHIN_MS = 1_000;

/** On the host of the Temporal server there is only one clock. */
export const isThisHost = (address: string): boolean => /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?):\d+$/i.test(address);

export interface Press {
  /** Of the process that somebody started for it, by this host's time of day. */
  readonly startedMs: number;
  readonly sameClock: boolean;
  readonly reopenUnconfirmed: boolean;
}

/** `beganMs`: by the server's time of day, when its first run began. `reopens`: whether it opened unconfirmed alerts again. */
export function isAnsweredBy(
  { startedMs, sameClock, reopenUnconfirmed }: Press,
  round: { readonly beganMs: number; readonly reopens: boolean },
): boolean {
  if (reopenUnconfirmed && !round.reopens) return false;
  return round.beganMs > startedMs + (sameClock ? 0 : CLOCKS_AGREE_WITHIN_MS);
}

export const reopensIn = ({ memo }: WorkflowExecutionDescription): boolean => memo?.[REOPENS_MEMO] === true;

/** When the first run of a chain began, that continue-as-new made. `describe`: another run of the same workflow. */
export async function beganMs(
  { startTime, runId, raw }: WorkflowExecutionDescription,
  describe: (runId: string) => Promise<WorkflowExecutionDescription>,
): Promise<number> {
  const first = raw.workflowExecutionInfo?.firstRunId ?? runId;
  return (first === '' || first === runId ? startTime : (await describe(first)).startTime).getTime();
}
