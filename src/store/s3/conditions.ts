/**
 * Whether a service does what all of wds rests on: a write on condition that the object is still a certain version must fail where it is not. Some
 * services that speak S3 ignore conditions; there two workers would send the same alerts.
 */
import { Fault } from '../../domain/failure.ts';
import type { Bucket } from './bucket.ts';

/** The ETag of nothing. */
export const NO_VERSION = '"00000000000000000000000000000000"';

/** Writes nothing where the service is sound. `key`: of a small object that may be there. Throws Fault('store') where it cannot be asked. */
export async function keepsConditions(bucket: Bucket, key: string): Promise<boolean> {
  const there = await bucket.get(key);
  const body = there?.bytes ?? '';
  const replaced = await bucket.put(key, body, { only: { etag: NO_VERSION } });
  // Only where conditions are ignored.
  if (replaced !== 'conflict' && there === undefined) await bucket.delete(key);
  if (replaced !== 'conflict') return false;
  return there === undefined || (await bucket.put(key, body, { only: 'absent' })) === 'conflict';
}

export const ignoresConditions = (place: string): Fault =>
  new Fault(
    'config',
    `${place}: this service ignores the conditions of writes (If-Match, If-None-Match), and without them alerts would be sent twice`,
    'Use a service that keeps them, as Amazon S3 does: docs/s3.md. Nothing is sent.',
  );
