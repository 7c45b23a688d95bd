/** Uploads an object of any size, in parts where it is large. Nothing is visible until the source has ended. */
import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import type { Pieces } from './bucket.ts';
import type { Sdk } from './s3-client.ts';

const PART_BYTES = 8 * 1024 * 1024;

/** Throws what the source throws, for that is no fault of the service; else what `faultOf` makes of the service's error. */
export async function uploadObject(
  sdk: Sdk,
  client: S3Client,
  at: { readonly Bucket: string; readonly Key: string },
  source: Pieces,
  faultOf: (error: unknown) => Error,
): Promise<void> {
  const thrown: unknown[] = [];
  const pieces = async function* (): AsyncGenerator<Buffer> {
    try {
      for await (const piece of source) yield typeof piece === 'string' ? Buffer.from(piece) : asBuffer(piece);
    } catch (error) {
      thrown.push(error);
      throw error;
    }
  };
  const params = { ...at, Body: Readable.from(pieces(), { objectMode: false }) };
  const upload = new sdk.Upload({ client, params, queueSize: 2, partSize: PART_BYTES });
  await upload.done().catch((error: unknown) => {
    throw thrown[0] ?? faultOf(error);
  });
}

const asBuffer = (piece: Uint8Array): Buffer =>
  Buffer.isBuffer(piece) ? piece : Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
