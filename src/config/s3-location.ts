/** `s3://bucket/prefix`. */

export interface S3Location {
  readonly bucket: string;
  /** Without slashes at its ends; '': the whole bucket. */
  readonly prefix: string;
}

/** As it is written. */
export const s3Url = ({ bucket, prefix }: S3Location): string => `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`;

/** Whether it is meant as one, and not as a path. */
export const isS3Url = (text: string): boolean => /^s3:/i.test(text);

/** Whether `inner` is `outer`, or lies within it. */
export const liesWithin = (inner: S3Location, outer: S3Location): boolean =>
  inner.bucket === outer.bucket && (outer.prefix === '' || `${inner.prefix}/`.startsWith(`${outer.prefix}/`));

/** Amazon's rules for names of buckets. */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
/** Keys of wds go below the prefix: they are 1,024 bytes at most in all. */
const LONGEST_PREFIX_BYTES = 400;

/** undefined: it is none. */
export function s3LocationOf(text: string): S3Location | undefined {
  const [, bucket = '', path = ''] = /^s3:\/\/([^/]+)(?:\/(.*))?$/s.exec(text) ?? [];
  if (!BUCKET.test(bucket)) return undefined;
  const prefix = path.replace(/^\/+|\/+$/g, '');
  const isPlain = prefix.split('/').every((part) => part !== '.' && part !== '..' && (part !== '' || prefix === ''));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: no key may have them
  if (!isPlain || /[\u0000-\u001f\u007f?#]/.test(prefix)) return undefined;
  return Buffer.byteLength(prefix) > LONGEST_PREFIX_BYTES ? undefined : { bucket, prefix };
}
