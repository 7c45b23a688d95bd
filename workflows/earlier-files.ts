/** The activities that deal with rows of earlier files: those that rows of this one mend, and, once a message, those that say the same. */

import { proxyActivities } from '@temporalio/workflow';
import type { FileWorkflowInput, RoundOfRun, WindowResult } from '../src/domain/contracts.ts';
import type { OnceRound } from '../src/domain/ledger/earlier.ts';
import type { OriginActivities, OriginsInput } from '../src/domain/ledger/origin-contracts.ts';
import { parseKey } from '../src/domain/parse-options.ts';
import { fileOptions, fileWork } from './activity-options.ts';

/** Whether rows of the file mend rows of earlier ones. */
const mends = (windows: readonly WindowResult[]): boolean => windows.some((window) => window.origins > 0);

/** Rows that mend rows of earlier files take their places, before anything is sent. */
export async function takeOverOrigins(
  input: FileWorkflowInput,
  windows: readonly WindowResult[],
  round: RoundOfRun,
): Promise<void> {
  if (!mends(windows)) return;
  const activities = proxyActivities<OriginActivities>({
    ...fileOptions(input),
    summary: 'take over the rows that it mends',
  });
  await activities.takeOverOrigins(originsInput(input, windows, round));
}

export async function settleOrigins(
  input: FileWorkflowInput,
  windows: readonly WindowResult[],
  round: RoundOfRun,
  once: OnceRound | undefined,
  options = fileOptions,
): Promise<void> {
  if (!mends(windows) && once === undefined) return;
  const activities = proxyActivities<OriginActivities>({ ...options(input), summary: 'settle the rows that it mends' });
  await activities.settleOrigins({ ...originsInput(input, windows, round), ...onceOf(once) });
}

/** Rows that say what rows of earlier files say. `waiting`: those that wait for one are looked at again, until none does. */
export async function lookBack(
  input: FileWorkflowInput,
  windows: readonly WindowResult[],
  round: RoundOfRun,
  once: OnceRound,
  waiting: boolean,
): Promise<void> {
  const summary = waiting ? 'wait for rows of earlier files' : 'look for its rows in earlier files';
  const activities = proxyActivities<OriginActivities>({ ...fileOptions(input), summary });
  await activities.lookBack({ ...originsInput(input, windows, round), once, waiting });
}

export const onceOf = <Once>(once: Once | undefined): { readonly once?: Once } => (once === undefined ? {} : { once });

const originsInput = (input: FileWorkflowInput, windows: readonly WindowResult[], round: RoundOfRun): OriginsInput => ({
  ...{ ...fileWork(input), endpoint: input.endpoint, parseKey: parseKey(input.parse) },
  ...{ ...round, windows: windows.length },
});
