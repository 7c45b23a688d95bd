/** All workflows; the bundle is made from this file. */
export { fileWorkflow } from './file-workflow.ts';
