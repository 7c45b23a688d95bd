import { expect, test } from 'vitest';
import { environmentLayer } from '../../src/config/sources.ts';
import { deploymentVersionOf } from '../../src/config/versioning-schema.ts';
import { VERSION } from '../../src/version.ts';

const layerOf = (env: Record<string, string>) => environmentLayer(env, '/');

test('workers are versioned where a deployment is named; the build is the version of wds, or what is stated', () => {
  expect(deploymentVersionOf()).toBeUndefined();
  expect(deploymentVersionOf({ buildId: '7' })).toBeUndefined();
  expect(deploymentVersionOf({ deployment: 'wds' })).toEqual({ deploymentName: 'wds', buildId: VERSION });
  expect(deploymentVersionOf({ deployment: 'wds', buildId: '7' })).toEqual({ deploymentName: 'wds', buildId: '7' });
});

test('both come from the variables that the Temporal Worker Controller sets, also where they look like numbers', () => {
  const { options, faults } = layerOf({
    TEMPORAL_DEPLOYMENT_NAME: 'wds/wds-files',
    TEMPORAL_WORKER_BUILD_ID: '20261126',
  });
  expect(faults).toEqual([]);
  expect(options.versioning).toEqual({ deployment: 'wds/wds-files', buildId: '20261126' });
});

test.each(['wds.files', 'wds:files', '__wds', 'w ds', 'w'.repeat(201)])(
  'Temporal takes no deployment called %j',
  (name) => {
    const { faults } = layerOf({ TEMPORAL_DEPLOYMENT_NAME: name });
    expect(faults).toMatchObject([{ key: 'versioning.deployment', origin: 'TEMPORAL_DEPLOYMENT_NAME' }]);
  },
);
