/** All workflows; the bundle is made from this file. */
export { fileWorkflow } from './file-workflow.ts';
export { rateGovernor } from './rate-governor.ts';
