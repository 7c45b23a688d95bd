import { expect, it } from 'vitest';
import * as all from '../../workflows/index.ts';
import * as versioned from '../../workflows/versioned.ts';

it('versioned workers run every workflow, and each says how it moves between versions', () => {
  expect(Object.keys(versioned).sort()).toEqual(Object.keys(all).sort());
  const behaviors = Object.entries(versioned).map(([name, workflow]) => {
    const { workflowDefinitionOptions } = workflow as { workflowDefinitionOptions?: { versioningBehavior?: string } };
    return [name, workflowDefinitionOptions?.versioningBehavior];
  });
  expect(Object.fromEntries(behaviors)).toEqual({
    fileWorkflow: 'PINNED',
    notifier: 'AUTO_UPGRADE',
    rateGovernor: 'AUTO_UPGRADE',
  });
});
