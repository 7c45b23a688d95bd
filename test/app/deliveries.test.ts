import { statfs, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { FileEnd } from '../../src/app/app.ts';
import { TemporalApp } from '../../src/app/app-temporal.ts';
import { sendFiles } from '../../src/app/deliveries.ts';
import { defaultEndpoint } from '../../src/config/settings.ts';
import { makeFolder } from '../config/folder.ts';

test('files that are not there, or of no kind that wds reads, are refused before Temporal is contacted', async () => {
  const folder = await makeFolder();
  await writeFile(join(folder, 'book.xlsx'), 'x');
  const home = join(folder, 'home');
  const endpoint = defaultEndpoint('http://127.0.0.1:9/');
  const temporal = { address: '127.0.0.1:1' };
  const settings = { home, endpoint, endpoints: [endpoint], statedDelivery: {}, temporal };
  const context = { settings, signal: new AbortController().signal, messages: { message: () => undefined } };
  const app = new TemporalApp(context as never, () => Promise.reject(new Error('no API is asked for')));
  const told: FileEnd[] = [];
  const files = [join(folder, 'missing.csv'), join(folder, 'book.xlsx'), join(folder, 'missing.csv')];
  const options = {
    observer: { progress: () => undefined, ended: (end: FileEnd) => told.push(end) },
    deadlineMs: undefined,
    priority: 'normal' as const,
  };
  const ends = await app.send(files, options);
  expect(ends.map((end) => end.kind === 'failed' && [end.file, (end.fault as { code?: string }).code])).toEqual([
    [files[0], 'not_found'],
    [files[1], 'unsupported_file'],
    [files[2], 'not_found'],
  ]);
  expect(told).toHaveLength(2);
  await app.close();
});

test('of files that each have room on the disk, and together have none, those that have none are refused', async () => {
  const folder = await makeFolder({ 'a.csv': '', 'b.csv': '', 'c.csv': '' });
  const files = ['a.csv', 'b.csv', 'c.csv'].map((name) => join(folder, name));
  const { bavail, bsize } = await statfs(folder);
  // Without a byte in them: each would need two thirds of the disk.
  for (const file of files) await truncate(file, Math.floor((bavail * bsize) / 3));
  const store = { putHashed: () => Promise.reject(new Error('it was let in')) };
  const settings = { home: join(folder, 'home'), minFreeBytes: 1, maxFileBytes: Number.MAX_SAFE_INTEGER };
  const observer = { progress: () => undefined, ended: () => undefined };
  const ends = await sendFiles(files, { installation: { store, settings }, observer } as never);
  const messages = ends.map((end) => (end.kind === 'failed' ? end.fault.message : ''));
  expect(messages.filter((message) => message === 'it was let in')).toHaveLength(1);
  expect(messages.filter((message) => message.startsWith('there is no room for'))).toHaveLength(2);
});
