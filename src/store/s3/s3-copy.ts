/** A copy within the service of what is larger than it copies at once: part by part. */
import type { S3Client } from '@aws-sdk/client-s3';
import type { Sdk } from './s3-client.ts';

/** CopyObject copies no more at once. */
export const LARGEST_COPY_BYTES = 5 * 1024 ** 3;
const COPIED_PART_BYTES = 1024 ** 3;
/** The first bytes of what is large may take longer. */
export const LARGE_MS = 300_000;

export interface LargeCopy {
  readonly sdk: Sdk;
  readonly client: S3Client;
  /** As the header `x-amz-copy-source` wants it. */
  readonly source: string;
  readonly to: { readonly Bucket: string; readonly Key: string };
  readonly sizeBytes: number;
}

/** A throw leaves nothing. */
export async function copyInParts({ sdk, client, source, to, sizeBytes }: LargeCopy): Promise<void> {
  const { CreateMultipartUploadCommand, UploadPartCopyCommand } = sdk;
  const { AbortMultipartUploadCommand, CompleteMultipartUploadCommand } = sdk;
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(to));
  const upload = { ...to, UploadId };
  try {
    const parts: { PartNumber: number; ETag: string | undefined }[] = [];
    for (let start = 0; start < sizeBytes; start += COPIED_PART_BYTES) {
      const PartNumber = parts.length + 1;
      const CopySourceRange = `bytes=${start}-${Math.min(sizeBytes, start + COPIED_PART_BYTES) - 1}`;
      const part = new UploadPartCopyCommand({ ...upload, CopySource: source, PartNumber, CopySourceRange });
      const copied = await client.send(part, { requestTimeout: LARGE_MS });
      parts.push({ PartNumber, ETag: copied.CopyPartResult?.ETag });
    }
    await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } }));
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
    throw error;
  }
}
