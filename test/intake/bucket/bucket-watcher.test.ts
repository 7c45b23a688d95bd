// @slow: watchers that take over from each other
/** The watcher of an inbox in a bucket, over a bucket in memory. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { CLAIM_KEY } from '../../../src/intake/bucket/inbox-claim.ts';
import type { PutOptions } from '../../../src/store/s3/bucket.ts';
import { MemoryBucket } from '../../support/memory-bucket.ts';
import { csv } from '../support.ts';
import { BucketScene } from './scene.ts';

const TIME_AND_HASH = /^\d{8}T\d{6}\.\d{3}Z-[0-9a-f]{8}-/;
const plainNames = (names: readonly string[]): string[] => names.map((name) => name.replace(TIME_AND_HASH, '')).sort();

describe('what lies in the bucket', () => {
  test('is submitted and moved to processed; what is no file to take is left, and said once', async () => {
    const scene = new BucketScene();
    await scene.bucket.put('a.csv', csv('ann'));
    await scene.bucket.put('urgent/b.csv', csv('bob'));
    for (const key of ['c.txt', 'd.csv.part', 'deep/e.csv', `${'x'.repeat(252)}.csv`])
      await scene.bucket.put(key, 'no');
    const watcher = scene.watch();
    await watcher.ready;
    await scene.until('both are processed', async () => (await scene.in('processed')).length === 2);
    expect(scene.submissions.map(({ fileName, priority }) => `${fileName} ${priority}`).sort()).toEqual([
      'a.csv normal',
      'b.csv urgent',
    ]);
    expect(plainNames(await scene.in('processed'))).toEqual(['a.csv', 'b.csv']);
    expect(await scene.bucket.list('')).toEqual(
      ['.wds', 'c.txt', 'd.csv.part', 'deep', 'processed', `${'x'.repeat(252)}.csv`].sort(),
    );
    await sleep(100);
    expect(scene.events('file_ignored')).toHaveLength(4);
    expect(watcher.status()).toMatchObject({ pendingFiles: 0, claimedFiles: 0, submittedFiles: 2, failing: false });
    await watcher.close();
    expect(await scene.in('.wds')).toEqual([]);
  });

  test('is given to the store as it is, under the hash of its bytes', async () => {
    const scene = new BucketScene();
    const text = csv(...Array.from({ length: 60_000 }, (_, at) => `user ${at}`));
    await scene.bucket.put('large.csv', text);
    scene.watch();
    await scene.until('it is submitted', () => scene.submissions.length === 1);
    const { staged } = scene.submissions[0]!;
    expect(staged).toMatchObject({ name: 'large.csv', format: 'csv', sizeBytes: text.length });
    expect(await scene.store.size(`${staged.sha256}/content`)).toBe(text.length);
  });

  test('is refused where it is too large, with its reason beside it, over nothing', async () => {
    const scene = new BucketScene();
    const watcher = scene.watch({ maxFileBytes: 100 });
    for (const left of [1, 2]) {
      await scene.bucket.put('big.csv', csv(...Array.from({ length: 50 * left }, (_, at) => `user ${at}`)));
      await scene.until('it is refused', async () => (await scene.in('rejected')).length === 2 * left);
    }
    const names = ['2-big.csv', '2-big.csv.reason.txt', 'big.csv', 'big.csv.reason.txt'];
    expect(await scene.in('rejected')).toEqual(names);
    const reason = await scene.bucket.get('rejected/big.csv.reason.txt');
    expect(reason?.bytes.toString()).toMatch(/^big\.csv has .* and a file may have 100 bytes .*\nSplit it, or raise/);
    expect(scene.submissions).toEqual([]);
    await scene.until('nothing is on its way', () => watcher.status().claimedFiles === 0);
    expect(watcher.status()).toMatchObject({ failing: false });
  });

  test('is taken out of processed when its delivery refuses it, and leaves a result where results are wanted', async () => {
    const scene = new BucketScene();
    await scene.bucket.put('bad.csv', csv('ann'));
    await scene.bucket.put('good.csv', csv('bob'));
    scene.watch({
      results: true,
      answerOf: async ({ fileName }) => ({
        refusal: fileName === 'bad.csv' ? 'no header' : undefined,
        result: { file: fileName },
      }),
    });
    await scene.until('both are answered', async () => (await scene.in('results')).length === 2);
    expect(await scene.in('rejected')).toEqual(['bad.csv', 'bad.csv.reason.txt']);
    expect((await scene.bucket.get('rejected/bad.csv.reason.txt'))?.bytes.toString()).toBe('no header\n');
    expect(plainNames(await scene.in('processed'))).toEqual(['good.csv']);
    expect(await scene.in('results')).toEqual(['bad.csv.json', 'good.csv.json']);
  });
});

describe('an object that is replaced', () => {
  /** Acts just before the first request of a kind for `a.csv` is done. */
  const justBefore = (scene: BucketScene, kind: string, act: () => void): void => {
    let done = false;
    scene.bucket.fault = (request, key) => {
      if (!done && request === kind && key === 'a.csv') {
        done = true;
        act();
      }
      return undefined;
    };
  };
  const replaced = async (scene: BucketScene, users: string[], processed: number): Promise<void> => {
    await scene.bucket.put('a.csv', csv('ann'));
    scene.watch();
    await scene.until('the new one is processed', async () => {
      const there = await scene.bucket.list('');
      return scene.submissions.length === users.length && !there.includes('a.csv');
    });
    const contents = await Promise.all(
      scene.submissions.map(async ({ staged }) => `${await scene.store.size(`${staged.sha256}/content`)}`),
    );
    expect(contents).toEqual(users.map((user) => `${csv(user).length}`));
    await scene.until('it is in processed', async () => (await scene.in('processed')).length === processed);
  };

  test('before it is read is read as what it is then', async () => {
    const scene = new BucketScene();
    justBefore(scene, 'get', () => void scene.bucket.put('a.csv', csv('barbara')));
    await replaced(scene, ['barbara'], 1);
    expect(scene.events('file_changed')).toHaveLength(1);
  });

  test('after it was read is a file of its own', async () => {
    const scene = new BucketScene();
    scene.onSubmit = async () => {
      if (scene.submissions.length === 0) await scene.bucket.put('a.csv', csv('barbara'));
    };
    await replaced(scene, ['ann', 'barbara'], 1);
  });

  test('between its copy and its removal stays, and is a file of its own', async () => {
    const scene = new BucketScene();
    justBefore(scene, 'delete', () => void scene.bucket.put('a.csv', csv('barbara')));
    await replaced(scene, ['ann', 'barbara'], 2);
  });

  test('or removed before it is read is nothing', async () => {
    const scene = new BucketScene();
    justBefore(scene, 'get', () => void scene.bucket.delete('a.csv'));
    await scene.bucket.put('a.csv', csv('ann'));
    await scene.bucket.put('b.csv', csv('bob'));
    const watcher = scene.watch();
    await scene.until('the other is processed', async () => (await scene.in('processed')).length === 1);
    await scene.until('nothing is left', () => watcher.status().claimedFiles === 0);
    expect(scene.submitted).toEqual(['b.csv']);
    expect(watcher.status().failing).toBe(false);
  });
});

describe('where requests fail', () => {
  test('all is submitted and put away, once it works', async () => {
    const scene = new BucketScene();
    const names = Array.from({ length: 12 }, (_, at) => `${at}.csv`);
    for (const name of names) await scene.bucket.put(name, csv(name));
    const watcher = scene.watch();
    await watcher.ready;
    let turn = 0;
    scene.bucket.fault = () => ([1, 4].includes(++turn % 6) ? (turn % 2 === 0 ? 'before' : 'after') : undefined);
    await scene.until('all are processed', async () => {
      const there = await scene.bucket.list('').catch(() => ['0.csv']);
      return there.every((name) => !name.endsWith('.csv'));
    });
    scene.bucket.fault = () => undefined;
    expect(new Set(scene.submitted)).toEqual(new Set(names));
    expect(plainNames(await scene.in('processed'))).toEqual(names.toSorted());
    await scene.until('nothing fails any more', () => !watcher.status().failing);
  }, 60_000);

  test('a move that was broken off by a crash is done again to the same place', async () => {
    const scene = new BucketScene();
    await scene.bucket.put('a.csv', csv('ann'));
    scene.bucket.fault = (kind, key) => (kind === 'delete' && key === 'a.csv' ? 'before' : undefined);
    const first = scene.watch();
    await scene.until('it is copied', async () => (await scene.in('processed')).length === 1);
    await first.close();
    expect(await scene.bucket.list('')).toContain('a.csv');
    scene.bucket.fault = () => undefined;
    scene.watch();
    await scene.until('it is moved', async () => !(await scene.bucket.list('')).includes('a.csv'));
    expect(await scene.in('processed')).toHaveLength(1);
    expect(new Set(scene.submissions.map(({ staged }) => staged.sha256)).size).toBe(1);
  });

  test('a service that ignores conditions is refused at once', async () => {
    class Careless extends MemoryBucket {
      override put(key: string, body: string | Uint8Array, { writer }: PutOptions = {}): Promise<string | 'conflict'> {
        return super.put(key, body, writer === undefined ? {} : { writer });
      }
    }
    const scene = new BucketScene();
    await expect(scene.watch({ bucket: new Careless() }).ready).rejects.toThrow('ignores the conditions of writes');
  });
});

describe('watchers of one prefix', () => {
  test('one takes the files; another one goes on at once when it is stopped', async () => {
    const scene = new BucketScene();
    const first = scene.watch();
    await first.ready;
    const second = scene.watch({ deadAfterMs: 600 });
    await second.ready;
    expect(scene.events('inbox_standby')).toHaveLength(1);
    for (let at = 0; at < 20; at++) await scene.bucket.put(`${at}.csv`, csv(`user ${at}`));
    await scene.until('all are processed', async () => (await scene.in('processed')).length === 20);
    expect([first, second].map((watcher) => watcher.status().submittedFiles)).toEqual([20, 0]);
    await first.close();
    await scene.bucket.put('last.csv', csv('last'));
    await scene.until('the second one has it', () => second.status().submittedFiles === 1);
    expect(new Set(scene.submitted).size).toBe(21);
    expect(scene.submissions).toHaveLength(21);
  });

  test('one that is silent is taken over from; whoever has lost the inbox takes nothing until it has it again', async () => {
    const scene = new BucketScene();
    const watcher = scene.watch({ deadAfterMs: 600 });
    await watcher.ready;
    let beat = 0;
    const other = (): Promise<unknown> =>
      scene.bucket.put(CLAIM_KEY, JSON.stringify({ instance: 'x', host: 'other', pid: 1, beat: ++beat }));
    await other();
    await scene.until('it stands by', () => scene.events('inbox_standby').length === 1);
    await scene.bucket.put('a.csv', csv('ann'));
    for (let looks = 0; looks < 8; looks++) {
      await other();
      await sleep(100);
    }
    expect(scene.submissions).toEqual([]);
    await scene.until('it takes over', () => scene.submitted.includes('a.csv'));
    expect(scene.events('inbox_taken_over')).toHaveLength(1);
  });

  test('one with other terms is refused, at its start or when it finds such a one in its place', async () => {
    const scene = new BucketScene();
    const terms = (endpoint: string) => ({ endpoint, url: 'http://x/', urlHash: 'a', parse: {} });
    const first = scene.watch({ terms: terms('crm'), deadAfterMs: 600 });
    await first.ready;
    await expect(scene.watch({ terms: terms('erp'), deadAfterMs: 600 }).ready).rejects.toThrow('endpoint crm, not erp');
    let beat = 0;
    const timer = setInterval(() => {
      const shown = { instance: 'x', host: 'other', pid: 1, beat: ++beat, terms: terms('erp') };
      void scene.bucket.put(CLAIM_KEY, JSON.stringify(shown));
    }, 50);
    await expect(first.ended).rejects.toThrow('process 1 on host other watches s3://memory with endpoint erp, not crm');
    clearInterval(timer);
  });
});
