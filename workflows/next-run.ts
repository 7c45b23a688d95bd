/** Where the run of a file ends, for another one to go on: long histories are slow to replay, and a version of the workers is to be left. */
import { continueAsNew, makeContinueAsNewFunc, workflowInfo } from '@temporalio/workflow';
import type { FileWorkflowInput } from '../src/domain/contracts.ts';

type FileWorkflow = (input: FileWorkflowInput) => Promise<unknown>;

/** The history is long, or workers are versioned and another version has become the current one. */
export function nextRunIsDue(maxHistoryEvents: number): boolean {
  const { historyLength, continueAsNewSuggested, targetWorkerDeploymentVersionChanged } = workflowInfo();
  return targetWorkerDeploymentVersionChanged || continueAsNewSuggested || historyLength >= maxHistoryEvents;
}

/** Where workers are versioned, on the current version: what is carried is readable one release back and forward. */
export function goOn(input: FileWorkflowInput): Promise<never> {
  const { currentDeploymentVersion } = workflowInfo();
  if (currentDeploymentVersion === undefined) return continueAsNew<FileWorkflow>(input);
  return makeContinueAsNewFunc<FileWorkflow>({ initialVersioningBehavior: 'AUTO_UPGRADE' })(input);
}
