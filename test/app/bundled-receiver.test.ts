import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startBundledReceiver } from '../../src/app/bundled-receiver.ts';
import { wds } from '../cli/fake-app.ts';
import { makeFolder } from '../config/folder.ts';

const sending = (home: string) => wds(['send', 'a.csv', '--home', home]);

test('while the receiver of a home runs, its other commands deliver to it', async () => {
  const home = await makeFolder();
  const receiver = await startBundledReceiver(home);
  try {
    const { code, context } = await sending(home);
    expect(code).toBe(0);
    expect(context?.settings.endpoint).toEqual(receiver.endpoint);
    expect(context?.settings.delivery.batchSize).toBe(100);
    const configured = await wds(['send', 'a.csv', '--home', home, '--url', 'http://127.0.0.1:9/']);
    expect(configured.context?.settings.endpoint?.url).toBe('http://127.0.0.1:9/');
  } finally {
    await receiver.close();
  }
  expect(await readdir(home)).toEqual([]);
  expect((await sending(home)).code).toBe(2);
});

test('a record whose receiver does not answer, or that is no record, is not believed', async () => {
  const home = await makeFolder();
  const record = { name: 'bundled-receiver', url: 'http://127.0.0.1:9/', rate: 100 };
  for (const content of [JSON.stringify(record), '{"name":', 'null', '{}']) {
    await writeFile(join(home, 'receiver.json'), content);
    expect((await sending(home)).code).toBe(2);
  }
});
