/** What an object store says when it refuses, as a Fault: what, where, and what to do. */
import { Fault } from '../../domain/failure.ts';
import { errnoOf, reasonOf } from '../../thrown.ts';

interface ServiceError {
  readonly name?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** The service's own code, such as `NoSuchKey`; '' where it did not answer. */
export const codeOf = (error: unknown): string => (error as ServiceError | null)?.name ?? '';

/** undefined: there was no answer. */
export const statusOf = (error: unknown): number | undefined =>
  (error as ServiceError | null)?.$metadata?.httpStatusCode;

/** 412: another version is there; 404: none. */
export const isGone = (error: unknown): boolean => statusOf(error) === 412 || codeOf(error) === 'NoSuchKey';

const CREDENTIALS =
  'Give credentials as the AWS SDK finds them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile (AWS_PROFILE), or the role of the host.';
const ALLOW = 'Allow it: docs/s3.md has the policy that wds needs.';
const REGION = "Set s3.region (AWS_REGION) to the bucket's region.";
const UNREACHABLE = 'Is s3.endpoint right, and can this host reach it? wds goes on by itself once it can.';

const NEXT_STEPS: Readonly<Record<string, string>> = {
  NoSuchBucket: 'Make the bucket, or correct its name in the settings.',
  CredentialsProviderError: CREDENTIALS,
  InvalidAccessKeyId: CREDENTIALS,
  SignatureDoesNotMatch: CREDENTIALS,
  ExpiredToken: CREDENTIALS,
  ExpiredTokenException: CREDENTIALS,
  AccessDenied: ALLOW,
  Forbidden: ALLOW,
  PermanentRedirect: REGION,
  AuthorizationHeaderMalformed: REGION,
  RequestTimeTooSkewed: 'Set the clock of this host.',
  NotImplemented: 'This service lacks what wds needs of S3: see docs/s3.md.',
};

export function bucketFault(doing: string, place: string, error: unknown): Fault {
  if (error instanceof Fault) return error;
  const status = statusOf(error);
  const code = codeOf(error);
  const answered = status === undefined ? (errnoOf(error) ?? reasonOf(error)) : `${code} (${status})`;
  const regionIsMissing = status === undefined && /region is missing/i.test(reasonOf(error));
  const next =
    NEXT_STEPS[code] ??
    (regionIsMissing ? REGION : status === undefined ? UNREACHABLE : 'wds goes on by itself once the service does.');
  return new Fault('store', `cannot ${doing} ${place}: ${answered}`, next, { cause: error });
}
