// @slow: waits for files to settle
import { chmodSync, closeSync, ftruncateSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Disk } from '../../src/intake/disk-guard.ts';
import { DiskGuard } from '../../src/intake/disk-guard.ts';
import type { Scene, Watched } from './support.ts';
import { csv, drop, filesIn, newScene, removeScene, until, watchScene } from './support.ts';

const MIB = 1_048_576;
let disk: Disk | undefined;
let nowMs = 0;
const guardOf = (minFreeBytes: number | undefined): DiskGuard =>
  new DiskGuard({ folder: '/nowhere', minFreeBytes, nowMs: () => nowMs, diskOf: async () => disk });
/** A second later. */
async function look(guard: DiskGuard, freeMiB: number, sizeMiB = 100_000): Promise<string | undefined> {
  disk = { freeBytes: freeMiB * MIB, sizeBytes: sizeMiB * MIB };
  nowMs += 1_000;
  await guard.look();
  return guard.paused;
}

describe('the guard of the disk', () => {
  test('keeps a twentieth of it free, at most 1 GiB, unless something else is said', async () => {
    expect(await look(guardOf(undefined), 1_025)).toBeUndefined();
    expect(await look(guardOf(undefined), 1_023)).toBe(
      '1023 MiB are free on the disk of the store, and 1 GiB are kept free (intake.minFreeMiB)',
    );
    expect(await look(guardOf(undefined), 6, 100)).toBeUndefined();
    expect(await look(guardOf(undefined), 4, 100)).toContain('5 MiB are kept free');
    expect(await look(guardOf(2_000 * MIB), 1_999)).toContain('kept free');
    expect(await look(guardOf(0), 0)).toBeUndefined();
  });

  test('goes on when a tenth more is free than it takes to stop', async () => {
    const guard = guardOf(100 * MIB);
    const seen: boolean[] = [];
    for (const free of [100, 99, 105, 109, 111, 105]) seen.push((await look(guard, free)) !== undefined);
    expect(seen).toEqual([false, true, true, true, false, false]);
  });

  test('lets in what fits, and counts what is being written', async () => {
    const guard = guardOf(100 * MIB);
    await look(guard, 300);
    expect(guard.admit({}, 120 * MIB, false)).toBe(
      'it needs about 240 MiB on the disk of the store, and 200 MiB may be used',
    );
    expect(guard.admit({}, 60 * MIB, false)).toBeUndefined();
    expect(guard.admit({}, 60 * MIB, false)).toContain('80 MiB may be used');
    expect(guard.admit({}, 6 * MIB, true)).toContain('96 MiB');
    nowMs += 60_000;
    await look(guard, 300);
    expect(guard.admit({}, 60 * MIB, false)).toBeUndefined();
  });

  test('counts a file once, however often it is asked for', async () => {
    const guard = guardOf(100 * MIB);
    await look(guard, 300);
    const file = {};
    for (let tries = 0; tries < 3; tries++) expect(guard.admit(file, 60 * MIB, false)).toBeUndefined();
    expect(guard.admit({}, 40 * MIB, false)).toBeUndefined();
    expect(guard.admit({}, 1 * MIB, false)).toContain('0 bytes may be used');
    expect(guard.admit(file, 61 * MIB, false)).toContain('120 MiB may be used');
    expect(guard.admit({}, 60 * MIB, false)).toBeUndefined();
  });

  test('holds nothing back where the disk cannot be asked', async () => {
    const guard = guardOf(undefined);
    disk = undefined;
    await guard.look();
    expect([guard.paused, guard.admit({}, 1e15, false)]).toEqual([undefined, undefined]);
    await expect(guard.require('a.csv', 1e15, false)).resolves.toBeUndefined();
  });

  test('is a fault with a next step for one who does not wait', async () => {
    const guard = guardOf(100 * MIB);
    await look(guard, 50);
    nowMs += 1_000;
    await expect(guard.require('a.csv', 1, false)).rejects.toMatchObject({
      code: 'store',
      message: expect.stringContaining('there is no room for a.csv: 50 MiB are free'),
      nextStep: expect.stringContaining('wds prune'),
    });
  });
});

describe('a watcher', () => {
  let scene: Scene;
  let watched: Watched | undefined;
  beforeEach(() => {
    scene = newScene();
  });
  afterEach(async () => {
    await watched?.watcher.close();
    removeScene(scene);
  });
  const events = (): string[] => watched!.log.lines.map(({ event }) => event);

  test('takes no file while the disk is almost full, says so, and goes on by itself', async () => {
    let freeBytes = 10 * MIB;
    const diskOf = async (): Promise<Disk> => ({ freeBytes, sizeBytes: 1_000 * MIB });
    const guard = new DiskGuard({ folder: scene.root, minFreeBytes: 20 * MIB, diskOf });
    watched = watchScene(scene, { guard });
    drop(scene, 'a.csv', csv('ann'));
    await until(
      () => events().includes('intake_paused'),
      () => events().join(),
    );
    expect(watched.log.lines.find(({ event }) => event === 'intake_paused')).toMatchObject({
      level: 'warn',
      reason: expect.stringContaining('10 MiB are free'),
    });
    expect(watched.watcher.status()).toMatchObject({ failing: false, paused: expect.stringContaining('kept free') });
    expect(filesIn(scene.inbox)).toEqual(['a.csv']);
    freeBytes = 500 * MIB;
    await until(
      () => watched!.submissions.length === 1,
      () => events().join(),
    );
    expect(events().filter((event) => event.startsWith('intake_'))).toEqual(['intake_paused', 'intake_resumed']);
  });

  test('lets a file wait that does not fit, and takes smaller ones', async () => {
    let freeBytes = 21 * MIB;
    const diskOf = async (): Promise<Disk> => ({ freeBytes, sizeBytes: 1_000 * MIB });
    watched = watchScene(scene, { guard: new DiskGuard({ folder: scene.root, minFreeBytes: 20 * MIB, diskOf }) });
    drop(scene, 'large.csv', csv('ann') + csv('x'.repeat(400)).repeat(2_000));
    await until(
      () => events().includes('file_waiting'),
      () => events().join(),
    );
    drop(scene, 'small.csv', csv('ben'));
    await until(
      () => watched!.submissions.length === 1,
      () => events().join(),
    );
    freeBytes = 900 * MIB;
    await until(
      () => watched!.submissions.length === 2,
      () => events().join(),
    );
    expect(watched.submissions.map(({ fileName }) => fileName)).toEqual(['small.csv', 'large.csv']);
    expect(events().filter((event) => event === 'file_waiting')).toHaveLength(1);
  });

  test('refuses a file that is too large with a reason, and does not read it, whatever its sidecar says', async () => {
    watched = watchScene(scene, { maxFileBytes: 64 * MIB, sidecar: 'done' });
    const file = openSync(join(scene.inbox, 'sparse.csv'), 'w');
    ftruncateSync(file, 8 * 1024 ** 4);
    closeSync(file);
    drop(scene, 'sparse.csv.done', '');
    const reason = join(scene.inbox, 'rejected', 'sparse.csv.reason.txt');
    await until(
      () => events().includes('file_rejected'),
      () => JSON.stringify(watched!.log.lines),
    );
    expect(filesIn(join(scene.inbox, 'rejected'))).toHaveLength(2);
    expect(readFileSync(reason, 'utf8')).toBe(
      'sparse.csv has 8 TiB, and a file may have 64 MiB (intake.maxFileMiB); it was not read\nSplit it, or raise intake.maxFileMiB.\n',
    );
    expect(watched.submissions).toEqual([]);
    expect(watched.log.lines).toContainEqual(expect.objectContaining({ event: 'file_rejected', level: 'warn' }));
    expect(filesIn(join(scene.storeFolder, 'incoming'))).toEqual([]);
  });

  test('makes the folders and answers for people with the permissions of the inbox', async () => {
    const mask = process.umask(0o077);
    try {
      chmodSync(scene.inbox, 0o775);
      watched = watchScene(scene, { maxFileBytes: 100 });
      drop(scene, 'a.csv', csv('ann'));
      drop(scene, 'large.csv', csv('ann'.repeat(100)));
      await until(
        () => filesIn(join(scene.inbox, 'rejected')).length === 2,
        () => events().join(),
      );
      await until(
        () => filesIn(join(scene.inbox, 'processed')).length === 1,
        () => events().join(),
      );
      const modeOf = (...path: string[]): string => (statSync(join(scene.inbox, ...path)).mode & 0o777).toString(8);
      expect([modeOf('processed'), modeOf('rejected'), modeOf('.wds')]).toEqual(['775', '775', '700']);
      expect(modeOf('rejected', 'large.csv.reason.txt')).toBe('664');
      expect((statSync(scene.storeFolder).mode & 0o777).toString(8)).toBe('700');
    } finally {
      process.umask(mask);
    }
  });
});
