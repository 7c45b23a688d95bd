/** Where the store is, for how long what is in it is kept, and how S3 is reached: the groups `store` and `s3`. */
import { z } from 'zod';
import { urlFault } from './endpoint-url.ts';
import { s3LocationOf } from './s3-location.ts';
import { atLeast, setting, text } from './setting.ts';

const days = atLeast(0, 36_500);

const GROUP_ACCESS = ['none', 'read', 'write'] as const;

export const store = z.strictObject({
  location: setting(
    z.string().refine((value) => s3LocationOf(value) !== undefined),
    {
      expects: 's3://bucket or s3://bucket/prefix',
      about:
        'Bucket that files, receipts and reports lie in, for installations on several hosts: [S3](s3.md). `store: s3://…` means the same.',
      otherwise: 'the folder `store` of home, and reports in its folder `reports`',
      env: 'WDS_STORE',
      flag: '--store <s3-url>',
    },
  ),
  groupAccess: setting(z.enum(GROUP_ACCESS), {
    expects: 'none, read or write',
    about:
      'What the group of the user who runs wds may do with the files that wds makes: `none`: modes 0600 and 0700; `read`: 0640, 0750; `write`: 0660, 0770. Others may do nothing. What is there already stays as it is.',
    env: 'WDS_GROUP_ACCESS',
  }),
  retainDays: setting(
    z.union([
      days,
      z.strictObject({
        original: days.exactOptional(),
        content: days.exactOptional(),
        chunks: days.exactOptional(),
        reports: days.exactOptional(),
      }),
    ]),
    {
      expects:
        'days from 0 to 36500 for all parts of a file, or for some of them: {original: 30, content: 30, chunks: 90, reports: 365}',
      about:
        'For how long the parts of a file that is delivered are kept: the dropped `original`, its `content` in the store, its `chunks`, its `reports`. Older ones are pruned by the watcher and the files workers, and by `wds prune`. Receipts stay.',
      otherwise: 'nothing is pruned',
      env: 'WDS_RETAIN_DAYS',
    },
  ),
});

export const s3 = z.strictObject({
  endpoint: setting(
    z.string().refine((value) => urlFault(value) === undefined),
    {
      expects: 'an http or https URL without #fragment and without user:password@',
      about: 'URL of a service that is compatible with S3.',
      otherwise: 'Amazon S3, or what AWS_ENDPOINT_URL_S3 says',
      env: 'WDS_S3_ENDPOINT',
    },
  ),
  region: setting(text, {
    expects: 'the name of a region',
    about: 'Region of the bucket.',
    otherwise: 'AWS_REGION, or what the profile says; us-east-1 where an endpoint is stated',
    env: 'WDS_S3_REGION',
  }),
  pathStyle: setting(z.boolean(), {
    expects: 'true or false',
    about: 'Whether the bucket stands in the path of URLs, and not in the name of the host.',
    otherwise: 'true where an endpoint is stated',
    env: 'WDS_S3_PATH_STYLE',
  }),
});
