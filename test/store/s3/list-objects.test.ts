/** Listings as services give them that encode keys, and as those do that do not know that wish. */
import type { S3Client } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { listDirectlyBelow } from '../../../src/store/s3/list-objects.ts';
import type { Sdk } from '../../../src/store/s3/s3-client.ts';

const KEYS = ['in/a b+c.csv', 'in/j\u0001k\nl%20.csv', 'in/ü.csv'];

/** Answers with these pages, a key each. */
function serviceWith(answer: (key: string) => object): { sdk: Sdk; requests: object[] } {
  const requests: object[] = [];
  async function* paginateListObjectsV2(_: object, request: object) {
    requests.push(request);
    for (const key of KEYS) yield answer(key);
  }
  return { sdk: { paginateListObjectsV2 } as unknown as Sdk, requests };
}

const below = { Bucket: 'alerts', Prefix: 'in/' };
const client = {} as S3Client;

test('keys are asked for as URLs have them, and named as they are', async () => {
  const encode = (text: string): string => encodeURIComponent(text).replaceAll('%20', '+');
  const { sdk, requests } = serviceWith((key) => ({
    EncodingType: 'url',
    Contents: [{ Key: encode(key), Size: 1, ETag: '"e"', LastModified: new Date(5) }],
    CommonPrefixes: [{ Prefix: encode('in/ur gent/') }],
  }));
  const { objects, folders } = await listDirectlyBelow(sdk, client, below, 100);
  expect(requests).toEqual([{ ...below, Delimiter: '/', EncodingType: 'url' }]);
  expect(objects.map(({ key }) => key)).toEqual(KEYS);
  expect(objects[0]).toMatchObject({ bytes: 1, etag: '"e"', changedMs: 5 });
  expect([...folders]).toEqual(['ur gent']);
});

test('what a service did not encode is not decoded', async () => {
  const { sdk } = serviceWith((key) => ({ Contents: [{ Key: key }] }));
  expect((await listDirectlyBelow(sdk, client, below, 100)).objects.map(({ key }) => key)).toEqual(KEYS);
});

test('ends with the page that has enough, and leaves out what stands for the folder itself', async () => {
  const { sdk } = serviceWith((key) => ({ Contents: [{ Key: key }, { Key: 'in/' }] }));
  expect((await listDirectlyBelow(sdk, client, below, 2)).objects).toHaveLength(2);
});
