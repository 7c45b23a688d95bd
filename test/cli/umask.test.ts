import { expect, test } from 'vitest';
import { wds } from './fake-app.ts';

test.each([
  [undefined, 0o077],
  ['read', 0o027],
  ['write', 0o007],
])('what a command makes with groupAccess %s is closed to others before anything is made', async (access, mask) => {
  const done: string[] = [];
  const env: Record<string, string> = access === undefined ? {} : { WDS_GROUP_ACCESS: access };
  await wds(['report', 'a.csv'], {
    env,
    umask: (bits) => done.push(`umask ${bits.toString(8)}`),
    app: {
      report: async () => {
        done.push('report');
        throw new Error('enough');
      },
    },
  });
  expect(done).toEqual([`umask ${mask.toString(8)}`, 'report']);
});
