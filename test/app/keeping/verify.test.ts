// @slow: stores with all that can be in them
import { appendFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { prune } from '../../../src/app/keeping/prune.ts';
import type { VerifyResult } from '../../../src/app/keeping/verify/verify.ts';
import { verify } from '../../../src/app/keeping/verify/verify.ts';
import { parseKey } from '../../../src/domain/parse-options.ts';
import { settleInstallationId } from '../../../src/store/installation-identity.ts';
import { TestHouse } from './house.ts';

let at: TestHouse;
beforeEach(async () => {
  at = await TestHouse.make();
  await settleInstallationId(at.staged.store);
  await at.deliver(3);
  await at.settle('r', [3]);
  await at.report();
});
afterEach(() => at.remove());

const look = (only?: string): Promise<VerifyResult> =>
  verify(at.house, {
    only: only === undefined ? undefined : new Set([only]),
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
const pathOf = (...names: string[]): string => join(at.staged.storeFolder, at.staged.sha256, ...names);
const chunks = (): string => `chunks-${parseKey(at.staged.parse)}`;
/** Turns one bit over. */
async function damage(path: string, from: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[from]! ^= 1;
  await writeFile(path, bytes);
}
const faults = async (): Promise<readonly string[]> =>
  (await look()).findings.map(({ weight, where, found }) => `${weight} ${where.split('/').at(-1)}: ${found}`);

test('a home that is as it was written is sound, and says how much it has looked at', async () => {
  const result = await look();
  expect(result).toMatchObject({ sound: true, files: 1, chunks: 3, receipts: 10, findings: [] });
  expect(result.bytes).toBeGreaterThan(500);
  expect(await look('f'.repeat(64))).toMatchObject({ sound: true, files: 0 });
});

test('what is torn by a crash, forgotten or pruned is no fault', async () => {
  const [journal = ''] = await readdir(pathOf('test', '000001'));
  const path = pathOf('test', '000001', journal);
  await writeFile(path, `${(await readFile(path, 'utf8')).replace(/z\n$/, '')}d 2 20`);
  await writeFile(pathOf('test', '000001', '000999.journal'), '');
  expect(await look()).toMatchObject({ sound: true, findings: [] });
  const request = { force: true, dryRun: false, onceMs: 0, nowMs: Date.now() + 1_000 };
  await prune(at.house, { ...request, retainMs: { content: 0, chunks: 0, reports: 0 } });
  expect(await look()).toMatchObject({ sound: true, findings: [] });
});

test.each<[string, () => Promise<void>, RegExp]>([
  ['a content that is another one', () => damage(pathOf('content'), 30), /fault content: .*SHA-256 differs/],
  ['a content that is too short', () => writeFile(pathOf('content'), 'x'), /fault content: it has 1 bytes of/],
  ['a chunk', () => damage(pathOf(chunks(), '0001.alerts'), 100), /fault 0001.alerts: chunk 1 is not what was written/],
  ['rows that are gone', () => rm(pathOf(chunks(), '0001.alerts')), /fault 0001.alerts: it is missing/],
  ['a window', () => writeFile(pathOf(chunks(), '0001.json'), '{'), /fault 0001.json: cannot be read/],
  [
    'invalid rows that are gone',
    () => rm(pathOf(chunks(), '0001.rejects')),
    /fault 0001.json: cannot be read: .*not in the store/,
  ],
  [
    'the users',
    () => damage(join(at.staged.storeFolder, 'users', `${at.staged.sha256}.${parseKey(at.staged.parse)}.0001`), 40),
    /fault .*0001: cannot be read: .*damaged/,
  ],
  ['file.json', () => writeFile(pathOf('file.json'), 'no'), /fault file.json: cannot be read/],
  ['delivery.json', () => writeFile(pathOf('test', 'delivery.json'), 'no'), /fault .*: cannot be read/],
  ['a round', () => writeFile(pathOf('test', 'rounds', '000001'), 'no'), /fault rounds: cannot be read/],
  [
    'a journal',
    () => writeFile(pathOf('test', '000002', '000001.journal'), 'x 1 2\ny\n'),
    /fault 000001.journal: it does not begin/,
  ],
  [
    'a receipt of another line',
    () => appendFile(pathOf('test', '000002', '000001.journal'), 'd 99 200 1 1764000000031\n'),
    /fault 000002: there are receipts of lines that the chunk does not have: 99/,
  ],
  [
    'receipts that are lost',
    () => rm(pathOf('test', '000003'), { recursive: true }),
    /fault test: the report of test counts 9 delivered, and the receipts know of 7/,
  ],
  [
    'an identity',
    () => writeFile(join(at.staged.storeFolder, 'installation.json'), 'no'),
    /fault installation.json: cannot be read/,
  ],
  [
    'a forgetting that was broken off',
    () => writeFile(pathOf('redacting.json'), '{}'),
    /fault redacting.json: a user was being erased/,
  ],
  ['a content that is gone', () => rm(pathOf('content')), /note content: it is not there/],
])('%s is told, with what to do', async (_what, harm, told) => {
  await harm();
  const found = await faults();
  expect(found).toEqual(expect.arrayContaining([expect.stringMatching(told)]));
  const result = await look();
  expect(result.sound).toBe(!found.some((text) => text.startsWith('fault')));
  for (const { next } of result.findings) expect(next).toMatch(/\w{3}.*\./);
});

test('what was unpacked is held against its size alone', async () => {
  const path = pathOf('file.json');
  const staged = JSON.parse(await readFile(path, 'utf8')) as object;
  await writeFile(path, JSON.stringify({ ...staged, gzip: true, sizeBytes: gzipSync('x').length }));
  await damage(pathOf('content'), 30);
  expect(await look()).toMatchObject({ sound: true });
});
