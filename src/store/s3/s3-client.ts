/**
 * The AWS SDK: an optional package, loaded when a bucket is opened. Two clients share their connections and credentials: one repeats what fails,
 * the other, for conditional writes, repeats nothing.
 */
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { Fault } from '../../domain/failure.ts';
import { isErrno } from '../../thrown.ts';

/** `s3://bucket/prefix`, and how the service is reached; what is not given is left to the SDK. */
export interface S3Place {
  readonly bucket: string;
  /** Without slashes at its ends; '': the whole bucket. */
  readonly prefix: string;
  /** URL of the service. */
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`. */
  readonly pathStyle: boolean;
}

export type Sdk = typeof import('@aws-sdk/client-s3') & Pick<typeof import('@aws-sdk/lib-storage'), 'Upload'>;

const CONNECT_MS = 5_000;
/** Until the answer begins. */
const ANSWER_MS = 15_000;
const TRIES = 4;
/** Of one process: the SDK's 50 are fewer than the writers of a busy worker. */
const MOST_CONNECTIONS = 128;

/** Throws Fault `config` where it is not installed. */
export async function loadSdk(): Promise<Sdk> {
  // The version that wds pins runs on this Node; the warning is about later ones.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  try {
    const [client, { Upload }] = await Promise.all([import('@aws-sdk/client-s3'), import('@aws-sdk/lib-storage')]);
    return { ...client, Upload };
  } catch (error) {
    if (!isErrno(error, 'ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND')) throw error;
    throw new Fault(
      'config',
      'what lies on S3 needs the packages @aws-sdk/client-s3 and @aws-sdk/lib-storage, which are not installed',
      'They are optional packages of wds: install it without --omit=optional, or run npm install @aws-sdk/client-s3 @aws-sdk/lib-storage beside it.',
      { cause: error },
    );
  }
}

export function clientsOf(
  sdk: Sdk,
  { endpoint, region, pathStyle }: S3Place,
): { readonly repeating: S3Client; readonly once: S3Client } {
  const sockets = { maxSockets: MOST_CONNECTIONS, keepAlive: true };
  const config: S3ClientConfig = {
    forcePathStyle: pathStyle,
    // Signatures and wds's own sums tell what was damaged; not every compatible service knows the newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      ...{ connectionTimeout: CONNECT_MS, requestTimeout: ANSWER_MS, throwOnRequestTimeout: true },
      ...{ httpAgent: sockets, httpsAgent: sockets },
    },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
  };
  const repeating = new sdk.S3Client({ ...config, maxAttempts: TRIES });
  const { requestHandler, credentials } = repeating.config;
  // Receipts are most of all requests, and all of them of one kind: the SDK need not put its steps together anew for each.
  const once = new sdk.S3Client({ ...config, requestHandler, credentials, maxAttempts: 1, cacheMiddleware: true });
  return { repeating, once };
}
