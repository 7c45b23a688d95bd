// @slow: waits until a watcher counts as dead
/** Watchers of one inbox that do not agree, with real folders; that of another host is a file that somebody touches, or does not. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defaultEndpoint } from '../../src/config/settings.ts';
import { DEFAULT_PARSE_OPTIONS } from '../../src/domain/parse-options.ts';
import type { Alive } from '../../src/intake/instance.ts';
import { newIdentity } from '../../src/intake/instance.ts';
import type { Terms } from '../../src/intake/terms.ts';
import { termsOf } from '../../src/intake/terms.ts';
import type { Watcher, WatchOptions } from '../../src/intake/watch-options.ts';
import type { Scene } from './support.ts';
import { csv, drop, newScene, removeScene, until, watchScene } from './support.ts';

const to = (name: string): Terms => termsOf([defaultEndpoint('http://127.0.0.1/', { name })], DEFAULT_PARSE_OPTIONS);

let scene: Scene;
let watchers: Watcher[];
beforeEach(() => {
  scene = newScene();
  watchers = [];
});
afterEach(async () => {
  await Promise.all(watchers.map((watcher) => watcher.close()));
  removeScene(scene);
});

function watch(terms: Terms, options: Partial<WatchOptions> = {}) {
  const watched = watchScene(scene, { terms, deadAfterMs: 1_500, ...options });
  watchers.push(watched.watcher);
  return watched;
}

const claims = (): string[] => readdirSync(join(scene.inbox, '.wds/claims'));
const aliveFile = (instance: string): string => join(scene.inbox, '.wds/claims', instance, 'alive');

/** Another watcher as its file shows it. */
function show(alive: Partial<Alive>): string {
  const { instance, ...rest } = newIdentity();
  mkdirSync(join(scene.inbox, '.wds/claims', instance), { recursive: true });
  writeFileSync(aliveFile(instance), JSON.stringify({ instance, ...rest, ...alive }));
  return instance;
}
const killed = (): Partial<Alive> => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  return { pid, processStart: '1', agreed: true, terms: to('erp') };
};
const elsewhere: Partial<Alive> = { host: 'elsewhere', kernel: 'another boot', agreed: true, terms: to('erp') };

describe('a watcher with other terms than one that watches', () => {
  test('is refused, told how they differ and what to do, and takes nothing', async () => {
    const first = watch(to('crm'));
    await first.watcher.ready;
    const second = watch(to('erp'));
    await expect(second.watcher.ready).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining(`process ${process.pid} on host`),
      nextStep: expect.stringContaining('name another inbox'),
    });
    await expect(second.watcher.ready).rejects.toThrow('endpoint crm, not erp');
    drop(scene, 'a.csv', csv('ann'));
    await until(
      () => first.submissions.length === 1,
      () => 'not submitted',
    );
    expect(second.submissions).toEqual([]);
    expect(claims()).toHaveLength(1);
  });

  test('is let in as soon as that one has ended cleanly', async () => {
    const first = watch(to('crm'));
    await first.watcher.ready;
    await first.watcher.close();
    const startedMs = performance.now();
    await watch(to('erp')).watcher.ready;
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });

  test('that starts at the same moment: one of them watches, the other is refused', async () => {
    for (let round = 0; round < 10; round++) {
      const both = [watch(to('crm')), watch(to('erp'))];
      const ends = await Promise.allSettled(both.map(({ watcher }) => watcher.ready));
      expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      await Promise.all(both.map(({ watcher }) => watcher.close()));
    }
  });
});

describe('a watcher with other terms than one that was killed', () => {
  test('waits, says so, and goes on when the lease is over', async () => {
    show(killed());
    const startedMs = performance.now();
    const { watcher, log } = watch(to('crm'));
    await watcher.ready;
    expect(performance.now() - startedMs).toBeGreaterThan(1_000);
    expect(log.lines).toMatchObject([
      { event: 'inbox_waiting', level: 'warn', reason: expect.stringContaining('endpoint erp, not crm') },
    ]);
    expect(claims()).toHaveLength(1);
  });

  test('is refused when that one comes back meanwhile', async () => {
    show(killed());
    const waiting = watch(to('crm'));
    await until(
      () => waiting.log.lines.length > 0,
      () => 'does not wait',
    );
    await watch(to('erp')).watcher.ready;
    await expect(waiting.watcher.ready).rejects.toThrow('endpoint erp, not crm');
  });

  test('does not wait when the lease was over before', async () => {
    const instance = show(killed());
    utimesSync(aliveFile(instance), new Date(), new Date(Date.now() - 60_000));
    const { watcher, log } = watch(to('crm'));
    await watcher.ready;
    expect(log.lines).toEqual([]);
  });

  test('can be closed while it waits', async () => {
    show(killed());
    const { watcher, log } = watch(to('crm'), { deadAfterMs: 60_000 });
    await until(
      () => log.lines.length > 0,
      () => 'does not wait',
    );
    await watcher.close();
    expect(claims()).toHaveLength(1);
  });
});

describe('a watcher of another host with other terms', () => {
  test('refuses a newcomer as soon as it gives a sign of life', async () => {
    const instance = show(elsewhere);
    const beat = setInterval(() => utimesSync(aliveFile(instance), new Date(), new Date()), 300);
    await expect(watch(to('crm'), { deadAfterMs: 60_000 }).watcher.ready).rejects.toThrow('on host elsewhere');
    clearInterval(beat);
  });

  test('that comes back after it was taken for dead may not go on', async () => {
    const woken = watch(to('crm'));
    await woken.watcher.ready;
    // As the one does that takes over.
    for (const instance of claims()) rmSync(aliveFile(instance));
    const beating = show({ ...newIdentity(), terms: to('erp'), agreed: true });
    await expect(woken.watcher.ended).rejects.toMatchObject({ code: 'config' });
    drop(scene, 'a.csv', csv('ann'));
    await woken.watcher.close();
    expect(woken.submissions).toEqual([]);
    expect(claims()).toEqual([beating]);
  });

  test('that comes back to those who agree watches on', async () => {
    const woken = watch(to('crm'));
    await woken.watcher.ready;
    for (const instance of claims()) rmSync(aliveFile(instance));
    drop(scene, 'a.csv', csv('ann'));
    await until(
      () => woken.submissions.length === 1,
      () => 'not submitted',
    );
    expect(claims()).toHaveLength(1);
  });
});
