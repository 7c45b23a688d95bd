// @slow: starts processes
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identify, isRunning } from '../../src/dev-server/process-identity.ts';
import { withProcessLock } from '../../src/dev-server/process-lock.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wds-lock-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The ID of a process that has ended. */
const deadPid = () => spawnSync(process.execPath, ['-e', '']).pid;

describe('a process lock', () => {
  it('lets one in at a time, and leaves nothing behind', async () => {
    let inside = 0;
    let most = 0;
    let entered = 0;
    const work = async () => {
      entered++;
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 5));
      inside--;
    };
    await Promise.all(Array.from({ length: 8 }, () => withProcessLock(join(folder, 'lock'), work)));
    expect({ entered, most }).toEqual({ entered: 8, most: 1 });
    expect(await readdir(folder)).toEqual([]);
  });

  it('is taken over from a holder that died, by one only', async () => {
    const path = join(folder, 'lock');
    const holder = { pid: deadPid(), host: hostname(), born: '1' };
    await writeFile(path, JSON.stringify({ holder, token: 'old' }));
    let inside = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 5));
      inside--;
    };
    await Promise.all(Array.from({ length: 5 }, () => withProcessLock(path, work)));
    expect(most).toBe(1);
  });

  it('is taken over when the ID of its holder is another process now', async () => {
    const path = join(folder, 'lock');
    const holder = { pid: process.pid, host: hostname(), born: 'before' };
    await writeFile(path, JSON.stringify({ holder, token: 'old' }));
    await expect(withProcessLock(path, async () => 'in')).resolves.toBe('in');
  });

  it.each([
    ['empty', ''],
    ['half-written', '{"holder":{"pid":1,"ho'],
    ['of something else', 'null'],
  ])('that is %s, as after a power loss, is taken over by one only', async (_what, content) => {
    const path = join(folder, 'lock');
    await writeFile(path, content);
    let inside = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 5));
      inside--;
    };
    await Promise.all(Array.from({ length: 3 }, () => withProcessLock(path, work)));
    expect(most).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it('whose breaker died is taken over all the same, wherever the clock was then', async () => {
    const path = join(folder, 'lock');
    const holder = { pid: deadPid(), host: hostname(), born: '1' };
    await writeFile(path, JSON.stringify({ holder, token: 'old' }));
    await writeFile(`${path}.breaking`, '');
    const future = new Date(Date.now() + 3_600_000);
    await utimes(`${path}.breaking`, future, future);
    await expect(withProcessLock(path, async () => 'in')).resolves.toBe('in');
  });

  it('is released when the work fails', async () => {
    const path = join(folder, 'lock');
    const failing = withProcessLock(path, async () => {
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    await expect(withProcessLock(path, async () => 'in')).resolves.toBe('in');
  });
});

describe('the identity of a process', () => {
  it('holds while it runs, and for no other process', () => {
    const self = identify(process.pid);
    expect(self).toBeDefined();
    if (self === undefined) return;
    expect(isRunning(self)).toBe(true);
    expect(isRunning({ ...self, host: 'elsewhere' })).toBe(false);
    expect(identify(deadPid())).toBeUndefined();
  });
});
