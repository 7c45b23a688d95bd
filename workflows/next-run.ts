/** Where a run ends, for another one to go on: long histories are slow to replay, and a version of the workers is to be left. */
import { continueAsNew, makeContinueAsNewFunc, workflowInfo } from '@temporalio/workflow';
import type { FileWorkflowInput } from '../src/domain/contracts.ts';

type FileWorkflow = (input: FileWorkflowInput) => Promise<unknown>;

/** The server says so, or there are so many events. */
export function historyIsLong(maxHistoryEvents: number): boolean {
  const { historyLength, continueAsNewSuggested } = workflowInfo();
  return continueAsNewSuggested || historyLength >= maxHistoryEvents;
}

/** Of a file: the history is long, or workers are versioned and another version has become the current one. */
export function nextRunIsDue(maxHistoryEvents: number): boolean {
  return workflowInfo().targetWorkerDeploymentVersionChanged || historyIsLong(maxHistoryEvents);
}

/** Where workers are versioned, on the current version: what is carried is readable one release back and forward. */
export function goOn(input: FileWorkflowInput): Promise<never> {
  const { currentDeploymentVersion } = workflowInfo();
  if (currentDeploymentVersion === undefined) return continueAsNew<FileWorkflow>(input);
  return makeContinueAsNewFunc<FileWorkflow>({ initialVersioningBehavior: 'AUTO_UPGRADE' })(input);
}
