/** What lies on S3: the store, inboxes. */
import type { SettingsWithDefaults } from './defaults.ts';
import type { ConfigFault } from './faults.ts';
import type { S3Location } from './s3-location.ts';
import { s3LocationOf } from './s3-location.ts';
import type { InboxSettings, S3Settings } from './settings.ts';

/** Services of one's own have no regions, and the SDK asks for one. */
const OWN_REGION = 'us-east-1';

type Stated = Pick<SettingsWithDefaults, 'store' | 's3'>;
type Collect = (fault: ConfigFault) => void;

/** How a place is reached. */
export function onS3({ bucket, prefix }: S3Location, { s3 = {} }: Pick<Stated, 's3'>): S3Settings {
  const { endpoint, pathStyle = endpoint !== undefined } = s3;
  return { bucket, prefix, endpoint, region: s3.region ?? (endpoint && OWN_REGION), pathStyle };
}

/** undefined: in the home. */
export function compileStore(stated: Stated): S3Settings | undefined {
  const { location } = stated.store;
  const at = location === undefined ? undefined : s3LocationOf(location);
  return at && onS3(at, stated);
}

/** Settings about S3 where there is nothing, and those that an inbox there cannot have. */
export function checkS3(
  { s3 = {}, intake }: Pick<SettingsWithDefaults, 's3' | 'intake'>,
  { store, inboxes }: { readonly store: S3Settings | undefined; readonly inboxes: readonly InboxSettings[] },
  collect: Collect,
): void {
  const [stated] = Object.keys(s3);
  const hasBucket = inboxes.some(({ bucket }) => bucket !== undefined);
  if (stated !== undefined && store === undefined && !hasBucket) {
    collect({ key: `s3.${stated}`, problem: 'nothing lies on S3; expected store or inbox to be s3://bucket/prefix' });
  }
  if (hasBucket && intake.sidecar !== 'off') {
    const problem = 'files in a bucket have no sidecars: an upload is seen when it is whole; expected off';
    collect({ key: 'intake.sidecar', problem });
  }
}
