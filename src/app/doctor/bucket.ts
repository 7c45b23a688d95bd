/** The bucket of an installation that has its store on S3. Nothing is made or written. */
import { Fault } from '../../domain/failure.ts';
import { INSTALLATION_KEY, readInstallationId } from '../../store/installation-identity.ts';
import { ignoresConditions, keepsConditions } from '../../store/s3/conditions.ts';
import { openBucket } from '../../store/s3/s3-bucket.ts';
import type { S3Place } from '../../store/s3/s3-client.ts';
import { S3Store } from '../../store/s3/s3-store.ts';
import { reasonOf } from '../../thrown.ts';
import { fault, ok, warning } from './finding.ts';
import type { StoreState } from './places.ts';

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
    const next = (error instanceof Fault ? error.nextStep : undefined) ?? 'docs/s3.md says what wds needs.';
    return { findings: [fault('store', reasonOf(error), next)], installation: undefined };
  }
}
