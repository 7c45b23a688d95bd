/** Where the store is. */
import type { SettingsWithDefaults } from './defaults.ts';
import type { ConfigFault } from './faults.ts';
import { s3LocationOf } from './s3-location.ts';
import type { S3Settings } from './settings.ts';

/** Services of one's own have no regions, and the SDK asks for one. */
const OWN_REGION = 'us-east-1';

/** undefined: in the home. Faults go to `collect`. */
export function compileStore(
  { store, s3 = {} }: Pick<SettingsWithDefaults, 'store' | 's3'>,
  { collect }: { readonly collect: (fault: ConfigFault) => void },
): S3Settings | undefined {
  const location = store.location === undefined ? undefined : s3LocationOf(store.location);
  if (location !== undefined) {
    const { endpoint, pathStyle = endpoint !== undefined } = s3;
    return { ...location, endpoint, region: s3.region ?? (endpoint && OWN_REGION), pathStyle };
  }
  const [stated] = Object.keys(s3);
  if (stated !== undefined) {
    collect({ key: `s3.${stated}`, problem: 'nothing lies on S3; expected the setting store as well' });
  }
  return undefined;
}
