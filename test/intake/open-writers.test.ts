import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fileIdentity, findOpenWriters, folderWritersAreLocal, writersSeen } from '../../src/intake/open-writers.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wds-writers-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function newFile(name: string): { path: string; id: string } {
  const path = join(folder, name);
  writeFileSync(path, 'x');
  return { path, id: fileIdentity(statSync(path)) };
}

describe.runIf(process.platform === 'linux')('looking for open writers', () => {
  test('finds every way of opening for writing, and no reader', async () => {
    const files = ['w', 'r+', 'a', 'r'].map((flag) => ({ flag, ...newFile(`${flag}.csv`) }));
    const fds = files.map(({ path, flag }) => openSync(path, flag));
    const { held } = await findOpenWriters(new Set(files.map(({ id }) => id)));
    for (const fd of fds) closeSync(fd);
    expect(held).toEqual(new Set(files.filter(({ flag }) => flag !== 'r').map(({ id }) => id)));
    expect((await findOpenWriters(new Set(files.map(({ id }) => id)))).held.size).toBe(0);
  });

  test('finds a writer in another process, also by another name of the file', async () => {
    const { path, id } = newFile('a.csv');
    const writer = spawn('sh', ['-c', 'ln "$0" "$0.other"; exec 3>>"$0.other"; echo open; read line', path]);
    await once(writer.stdout, 'data');
    expect((await findOpenWriters(new Set([id]))).held).toEqual(new Set([id]));
    writer.stdin.end('\n');
    await once(writer, 'exit');
    expect((await findOpenWriters(new Set([id]))).held.size).toBe(0);
  });

  test('does not report files that nobody asked about', async () => {
    const { path } = newFile('a.csv');
    const fd = openSync(path, 'a');
    const { held } = await findOpenWriters(new Set(['0:0']));
    closeSync(fd);
    expect(held.size).toBe(0);
  });

  test('a local folder on the root file system has local writers; a folder that is not there has not', async () => {
    const sameAsRoot = statSync(folder).dev === statSync('/').dev;
    if (sameAsRoot) expect(await folderWritersAreLocal(folder)).toBe(true);
    expect(await folderWritersAreLocal(join(folder, 'nowhere'))).toBe(false);
  });
});

describe('whether a writer would have been seen', () => {
  const sight = { held: new Set<string>(), hiddenUsers: new Set([1_001]), othersHidden: false };
  test('not for the files of a user whose processes denied a look', () => {
    expect(writersSeen(sight, 1_001)).toBe(false);
    expect(writersSeen(sight, 1_002)).toBe(true);
  });
  test('where other users are hidden altogether, for own files only', () => {
    const own = process.geteuid?.() ?? -1;
    expect(writersSeen({ ...sight, othersHidden: true }, own)).toBe(own !== -1);
    expect(writersSeen({ ...sight, othersHidden: true }, own + 1)).toBe(false);
  });
});
