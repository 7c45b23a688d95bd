import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { DEAD_AFTER_MS, DeathWatch, newIdentity } from '../../src/intake/instance.ts';

const self = newIdentity();
const foreign = JSON.stringify({ ...self, kernel: 'another boot pid:[1]' });

/** Looks once a second while the heartbeat stands still; the time at which the other one was judged dead. */
function silenceUntilDead(watch: DeathWatch, content: string | undefined, stepMs = 1_000): number {
  for (let nowMs = 0; nowMs <= 60_000; nowMs += stepMs) {
    if (watch.observe('other', { content, mtimeMs: 42 }, nowMs) === 'gone') return nowMs;
  }
  return Number.POSITIVE_INFINITY;
}

describe('a watcher of another host', () => {
  test('is dead after ten seconds of silence on the own clock, whatever its own clock says', () => {
    expect(silenceUntilDead(new DeathWatch(self), foreign)).toBe(DEAD_AFTER_MS);
  });

  test('is alive while its heartbeat moves, even backwards', () => {
    const watch = new DeathWatch(self);
    for (let beat = 0; beat < 20; beat += 1) {
      expect(watch.observe('other', { content: foreign, mtimeMs: 1e6 - beat }, beat * 9_000)).not.toBe('gone');
    }
  });

  test('is not judged by one look after the observer itself was stopped', () => {
    const watch = new DeathWatch(self);
    watch.observe('other', { content: foreign, mtimeMs: 42 }, 0);
    expect(watch.observe('other', { content: foreign, mtimeMs: 42 }, 600_000)).not.toBe('gone');
  });

  test('with an unreadable proof of life is judged by silence', () => {
    expect(silenceUntilDead(new DeathWatch(self), 'torn {')).toBe(DEAD_AFTER_MS);
  });
});

describe('a claim folder without proof of life', () => {
  test('is given up, but not at the first look: it may be just being made', () => {
    expect(silenceUntilDead(new DeathWatch(self), undefined, 500)).toBe(1_000);
  });
});

describe.runIf(process.platform === 'linux')('a watcher of this host', () => {
  test('whose process lives is alive at the first look, and dead after ten seconds of silence: it hangs', () => {
    const watch = new DeathWatch(self);
    expect(watch.observe('other', { content: JSON.stringify(self), mtimeMs: 42 }, 0)).toBe('alive');
    expect(silenceUntilDead(new DeathWatch(self), JSON.stringify(self))).toBe(DEAD_AFTER_MS);
  });

  test('is dead at once when its process is gone, or its number belongs to a later process', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    expect(silenceUntilDead(new DeathWatch(self), JSON.stringify({ ...self, pid: child.pid }))).toBe(0);
    expect(silenceUntilDead(new DeathWatch(self), JSON.stringify({ ...self, processStart: '1' }))).toBe(0);
  });
});
