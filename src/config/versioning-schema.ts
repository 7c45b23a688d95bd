/** The settings of worker versioning: which version of which deployment a files worker is (docs/upgrades.md). */
import { z } from 'zod';
import { VERSION } from '../version.ts';
import { setting } from './setting.ts';

/** A version of a Temporal worker deployment: what the files workers of a process are. */
export interface DeploymentVersion {
  readonly deploymentName: string;
  readonly buildId: string;
}

/** What Temporal takes for a name of a deployment. */
const DEPLOYMENT_NAME = /^(?!__)[^.:\s]{1,200}$/;
const BUILD_ID = /^(?!__)\S{1,200}$/;

export const versioning = z.strictObject({
  deployment: setting(z.string().regex(DEPLOYMENT_NAME), {
    expects: 'up to 200 characters without white space, full stop or colon',
    about:
      'Name of the Temporal worker deployment that the files workers are a version of: a file then ends on the version that began it, and a version has to be made the current one for files to begin on it.',
    otherwise: 'none: workers are not versioned, and every file goes on with whichever worker is there',
    env: 'TEMPORAL_DEPLOYMENT_NAME',
  }),
  buildId: setting(z.string().regex(BUILD_ID), {
    expects: 'up to 200 characters without white space',
    about: 'Which version: it has to differ wherever workflow code may. Of use with `versioning.deployment` only.',
    otherwise: 'the version of wds, such as 0.2.0',
    env: 'TEMPORAL_WORKER_BUILD_ID',
  }),
});

/** undefined: without the name of a deployment there are no versions. */
export function deploymentVersionOf({
  deployment,
  buildId = VERSION,
}: z.output<typeof versioning> = {}): DeploymentVersion | undefined {
  return deployment === undefined ? undefined : { deploymentName: deployment, buildId };
}
