/** Listings of a bucket, page after page. Keys are asked for as URLs have them: XML has no way to show some characters that keys may have. */
import type { S3Client } from '@aws-sdk/client-s3';
import type { ListedObject, Listing } from './bucket.ts';
import type { Sdk } from './s3-client.ts';

interface Below {
  readonly Bucket: string;
  readonly Prefix: string;
}

interface Page {
  /** By their whole keys. */
  readonly objects: readonly ListedObject[];
  /** Whole, with the slash at the end. */
  readonly prefixes: readonly string[];
}

/** All objects below a prefix or, with a delimiter, those directly below it. Throws what the service answers. */
export async function* pagesOf(sdk: Sdk, client: S3Client, below: Below, Delimiter?: '/'): AsyncGenerator<Page> {
  const request = { ...below, EncodingType: 'url' as const, ...(Delimiter === undefined ? {} : { Delimiter }) };
  for await (const page of sdk.paginateListObjectsV2({ client }, request)) {
    // A service that does not know the wish does not say that it has followed it.
    const plain = (text: string): string =>
      page.EncodingType === 'url' ? decodeURIComponent(text.replaceAll('+', ' ')) : text;
    yield {
      objects: (page.Contents ?? []).map(({ Key = '', Size = 0, ETag = '', LastModified }) => ({
        ...{ key: plain(Key), bytes: Size, etag: ETag },
        // What does not say when it was written is never old.
        changedMs: LastModified?.getTime() ?? Number.POSITIVE_INFINITY,
      })),
      prefixes: (page.CommonPrefixes ?? []).map(({ Prefix = '' }) => plain(Prefix)),
    };
  }
}

/** Whole keys. Ends with the page that reaches `most` objects. Throws what the service answers. */
export async function listDirectlyBelow(sdk: Sdk, client: S3Client, below: Below, most: number): Promise<Listing> {
  const objects: ListedObject[] = [];
  const folders = new Set<string>();
  const { length } = below.Prefix;
  for await (const page of pagesOf(sdk, client, below, '/')) {
    for (const prefix of page.prefixes) folders.add(prefix.slice(length, -1));
    // Without what stands for the folder itself, as consoles make it.
    objects.push(...page.objects.filter(({ key }) => key.length > length));
    if (objects.length >= most) break;
  }
  return { objects, folders };
}
