/** Copies an object within the service: at once, or in parts where it is larger than the service copies at once. */
import type { S3Client } from '@aws-sdk/client-s3';
import type { Sdk } from './s3-client.ts';

/** CopyObject copies no more at once. */
const LARGEST_COPY_BYTES = 5 * 1024 ** 3;
const COPIED_PART_BYTES = 1024 ** 3;
/** The first bytes of what is large may take longer. */
const LARGE_MS = 300_000;

interface ObjectPlace {
  readonly Bucket: string;
  readonly Key: string;
}

export interface CopyOrder {
  readonly from: ObjectPlace;
  readonly to: ObjectPlace;
  /** Of what is copied. */
  readonly sizeBytes: number;
  /** Only this version: the service answers 412 where it is another one by now. undefined: whichever is there. */
  readonly etag: string | undefined;
}

/** The ETag of the copy. Throws what the service answers. */
export async function copyObject(sdk: Sdk, client: S3Client, order: CopyOrder): Promise<string> {
  const { from, to, sizeBytes, etag } = order;
  const CopySource = `${from.Bucket}/${from.Key}`.split('/').map(encodeURIComponent).join('/');
  const source = { CopySource, ...(etag === undefined ? {} : { CopySourceIfMatch: etag }) };
  if (sizeBytes > LARGEST_COPY_BYTES) return copyInParts(sdk, client, { to, source, sizeBytes });
  const copied = await client.send(new sdk.CopyObjectCommand({ ...to, ...source }), { requestTimeout: LARGE_MS });
  return copied.CopyObjectResult?.ETag ?? '';
}

async function copyInParts(
  sdk: Sdk,
  client: S3Client,
  { to, source, sizeBytes }: Pick<CopyOrder, 'to' | 'sizeBytes'> & { readonly source: { readonly CopySource: string } },
): Promise<string> {
  const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand(to));
  const upload = { ...to, UploadId };
  try {
    const parts: { PartNumber: number; ETag: string | undefined }[] = [];
    for (let start = 0; start < sizeBytes; start += COPIED_PART_BYTES) {
      const PartNumber = parts.length + 1;
      const CopySourceRange = `bytes=${start}-${Math.min(sizeBytes, start + COPIED_PART_BYTES) - 1}`;
      const part = new sdk.UploadPartCopyCommand({ ...upload, ...source, PartNumber, CopySourceRange });
      const copied = await client.send(part, { requestTimeout: LARGE_MS });
      parts.push({ PartNumber, ETag: copied.CopyPartResult?.ETag });
    }
    const whole = new sdk.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } });
    return (await client.send(whole)).ETag ?? '';
  } catch (error) {
    await client.send(new sdk.AbortMultipartUploadCommand(upload)).catch(() => undefined);
    throw error;
  }
}
