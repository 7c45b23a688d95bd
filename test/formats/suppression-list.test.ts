// @slow: waits for lists to settle
import { mkdir, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SuppressionLists } from '../../src/formats/suppression-list.ts';

let folder: string;
let path: string;
const reads: number[] = [];
let lists: SuppressionLists;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wds-list-'));
  path = join(folder, 'suppressed.txt');
  reads.length = 0;
  lists = new SuppressionLists({ onRead: (_path, users) => reads.push(users) });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A list that nobody has touched for a while. The time of a change of its attributes cannot be set: it settles for half a second. */
async function write(content: string | Buffer, to = path): Promise<void> {
  await writeFile(to, content);
  await utimes(to, new Date(Date.now() - 60_000), new Date(Date.now() - 60_000));
}
const users = async (...names: string[]): Promise<boolean[]> => {
  const suppressed = await lists.of([path]);
  return names.map((name) => suppressed!(name));
};

describe('a suppression list', () => {
  test('names one user a line, with a byte order mark, CRLF, blank lines and white space or without', async () => {
    await write('\uFEFFann\r\n\r\n  bob  \r\ncy\rdora\n\n ');
    expect(await users('ann', 'bob', ' bob', 'cy', 'dora', 'eve', '')).toEqual([
      true,
      true,
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(await users('Ann')).toEqual([false]);
  });

  test('names users with quotes, quoted as in CSV or as they are', async () => {
    await write('"ann"\n"Doe, John"\nO"Brien\n"say ""hi"""\n"open\n');
    expect(await users('ann', '"ann"', 'Doe, John', 'O"Brien', 'say "hi"', '"open', 'open')).toEqual([
      ...[true, true, true, true, true, true, false],
    ]);
  });

  test('may be UTF-16, and hold any text', async () => {
    await write(Buffer.from('\uFEFFjürgen\n名前\n', 'utf16le'));
    expect(await users('jürgen', '名前', 'j')).toEqual([true, true, false]);
  });

  test('names nobody where it is empty', async () => {
    await write('');
    expect(await users('ann')).toEqual([false]);
    expect(reads).toEqual([0]);
  });

  test('of many users is read in pieces', async () => {
    await write(Array.from({ length: 200_000 }, (_, at) => `user-${at}`).join('\r\n'));
    expect(await users('user-0', 'user-77777', 'user-199999', 'user-200000')).toEqual([true, true, true, false]);
  });

  test('is read again when it has changed, and only then', async () => {
    await write('ann\n');
    expect(await users('ann', 'bob')).toEqual([true, false]);
    await users('ann');
    expect(reads).toEqual([1]);
    await write('bob\n', `${path}.new`);
    await rename(`${path}.new`, path);
    expect(await users('ann', 'bob')).toEqual([false, true]);
    expect(reads).toEqual([1, 1]);
  });

  test('is not read while it is being written', async () => {
    await writeFile(path, 'ann\n');
    const asked = users('ann', 'bob');
    await new Promise((resolve) => setTimeout(resolve, 200));
    await writeFile(path, 'ann\nbob\n');
    expect(await asked).toEqual([true, true]);
    expect(reads).toEqual([2]);
  });

  test('is read once for all who ask at the same time', async () => {
    await write('ann\n');
    await Promise.all(Array.from({ length: 8 }, () => users('ann')));
    expect(reads).toEqual([1]);
  });

  test.each([
    ['is not there', undefined, 'is not there'],
    ['is no text', 'a\0b\n', 'NUL on line 1'],
    ['is not UTF-8', Buffer.from([0x61, 0x0a, 0xff, 0x0a]), 'not UTF-8'],
    ['has several columns', 'userId,reason\nann,left\nbob,left\n', 'several columns'],
    ['has a line that is no user', 'x'.repeat(70_000), 'more than 65536 characters'],
  ])('that %s is a fault, and never an empty one', async (_what, content, why) => {
    if (content !== undefined) await write(content);
    await expect(lists.of([path])).rejects.toMatchObject({ code: 'config', message: expect.stringContaining(why) });
  });

  test('that is a folder, or goes away after it was read, is a fault', async () => {
    await mkdir(join(folder, 'list'));
    await expect(lists.of([join(folder, 'list')])).rejects.toThrow('is a folder');
    await write('ann\n');
    await users('ann');
    await rm(path);
    await expect(lists.of([path])).rejects.toThrow('is not there');
  });
});

test('of several lists each holds, and no list suppresses nobody', async () => {
  const other = join(folder, 'other.txt');
  await write('ann\n');
  await write('bob\n', other);
  const suppressed = await lists.of([path, other]);
  expect(['ann', 'bob', 'cy'].map((user) => suppressed!(user))).toEqual([true, true, false]);
  expect(await lists.of([])).toBeUndefined();
});
