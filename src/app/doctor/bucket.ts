/** What an installation has on S3: the store, inboxes. Nothing is made, written or deleted. */
import { Fault } from '../../domain/failure.ts';
import { CLAIM_KEY } from '../../intake/bucket/inbox-claim.ts';
import { INSTALLATION_KEY, readInstallationId } from '../../store/installation-identity.ts';
import { ignoresConditions, keepsConditions } from '../../store/s3/conditions.ts';
import { openBucket } from '../../store/s3/s3-bucket.ts';
import type { S3Place } from '../../store/s3/s3-client.ts';
import { S3Store } from '../../store/s3/s3-store.ts';
import { reasonOf } from '../../thrown.ts';
import type { Finding } from './finding.ts';
import { fault, ok, warning } from './finding.ts';
import type { StoreState } from './places.ts';

const MOST_COUNTED = 1_000;

export async function bucketState(place: S3Place): Promise<StoreState> {
  try {
    const bucket = await openBucket(place);
    const store = new S3Store(bucket);
    const installation = await readInstallationId(store);
    await store.list('names');
    if (!(await keepsConditions(bucket, INSTALLATION_KEY))) throw ignoresConditions(bucket.place);
    const next = 'The first wds up, send, watch or worker makes it. If there should be one, check --store.';
    const finding =
      installation === undefined
        ? warning('store', `${bucket.place}: nothing was delivered from here yet`, next)
        : ok('store', `${bucket.place}, installation ${installation}, conditional writes hold`);
    return { findings: [finding], installation };
  } catch (error) {
    return { findings: [faultOf('store', error)], installation: undefined };
  }
}

/** Asks for all that its watcher does there. */
export async function bucketInboxFinding(place: S3Place): Promise<Finding> {
  try {
    const bucket = await openBucket(place);
    const { objects } = await bucket.listObjects('', MOST_COUNTED);
    if (!(await keepsConditions(bucket, CLAIM_KEY))) throw ignoresConditions(bucket.place);
    await bucket.askToDelete();
    const count = objects.length >= MOST_COUNTED ? `${MOST_COUNTED} or more` : objects.length;
    const files = count === 0 ? 'empty' : count === 1 ? '1 object lies in it' : `${count} objects lie in it`;
    return ok('inbox', `${bucket.place}, ${files}; may be listed, read, written and deleted`);
  } catch (error) {
    return faultOf('inbox', error);
  }
}

function faultOf(check: string, error: unknown): Finding {
  const next = (error instanceof Fault ? error.nextStep : undefined) ?? 'docs/s3.md says what wds needs.';
  return fault(check, reasonOf(error), next);
}
