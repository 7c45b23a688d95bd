/** All workflows; the bundle is made from this file. */
export { fileWorkflow } from './file-workflow.ts';
export { notifier } from './notifier.ts';
export { rateGovernor } from './rate-governor.ts';
