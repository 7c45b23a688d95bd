/**
 * All workflows, as versioned workers run them: each says how it moves between versions. A bundle of its own, because a server does not
 * take these words from a worker that is not versioned (its tasks would time out without a word).
 */
import { setWorkflowOptions } from '@temporalio/workflow';
import { fileWorkflow } from './file-workflow.ts';
import { notifier } from './notifier.ts';
import { rateGovernor } from './rate-governor.ts';

// A run ends on the version that began it; a long file's next run begins on the one that is current then.
setWorkflowOptions({ versioningBehavior: 'PINNED' }, fileWorkflow);
// One for each endpoint, for files of all versions: it goes on with the current one. Changes of its commands are guarded by `patched`.
setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, rateGovernor);
// One for the installation, whoever told it of an event.
setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, notifier);

export { fileWorkflow, notifier, rateGovernor };
