/** Deletions of one version of an object, and of many objects. */
import type { S3Client } from '@aws-sdk/client-s3';
import { isGone, statusOf } from './bucket-fault.ts';
import { pagesOf } from './list-objects.ts';
import type { Sdk } from './s3-client.ts';

/** What services answer to a deletion on a condition that do not know such: 501 as S3 itself did, or that the request is a bad one. */
const KNOWS_NO_CONDITION: ReadonlySet<number | undefined> = new Set([400, 405, 501]);

/** False: another version is there. Of a service that knows no conditions whatever is there is deleted. Throws what the service answers. */
export async function deleteVersion(
  sdk: Sdk,
  client: S3Client,
  at: { readonly Bucket: string; readonly Key: string },
  etag: string,
): Promise<boolean> {
  try {
    await client.send(new sdk.DeleteObjectCommand({ ...at, IfMatch: etag }));
  } catch (error) {
    if (isGone(error)) return statusOf(error) === 404;
    if (!KNOWS_NO_CONDITION.has(statusOf(error))) throw error;
    await client.send(new sdk.DeleteObjectCommand(at));
  }
  return true;
}

/** All objects below a prefix; whether there were any. Throws what the service answers. */
export async function deleteBelow(
  sdk: Sdk,
  client: S3Client,
  below: { readonly Bucket: string; readonly Prefix: string },
): Promise<boolean> {
  let found = false;
  for await (const { objects } of pagesOf(sdk, client, below)) {
    if (objects.length === 0) continue;
    found = true;
    const Objects = objects.map(({ key }) => ({ Key: key }));
    const command = new sdk.DeleteObjectsCommand({ Bucket: below.Bucket, Delete: { Objects, Quiet: true } });
    const { Errors = [] } = await client.send(command);
    if (Errors[0] !== undefined) throw Object.assign(new Error(Errors[0].Message), { name: Errors[0].Code });
  }
  return found;
}
