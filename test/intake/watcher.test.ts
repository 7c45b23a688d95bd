// @slow: waits for files to settle
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Submission, SubmitResult } from '../../src/intake/takers.ts';
import { FolderStore } from '../../src/store/folder-store.ts';
import { contentKey } from '../../src/store/layout.ts';
import type { Scene, Watched } from './support.ts';
import { csv, drop, filesIn, newScene, removeScene, until, watchScene } from './support.ts';

let scene: Scene;
let running: Watched[] = [];

beforeEach(() => {
  scene = newScene();
});
afterEach(async () => {
  await Promise.all(running.map(({ watcher }) => watcher.close()));
  running = [];
  removeScene(scene);
});

function watch(...args: Parameters<typeof watchScene> extends [Scene, ...infer Rest] ? Rest : never): Watched {
  const watched = watchScene(scene, ...args);
  running.push(watched);
  return watched;
}

const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');
const processed = (): string[] => filesIn(join(scene.inbox, 'processed'));
const names = (submissions: readonly Submission[]): string[] => submissions.map(({ fileName }) => fileName);
const stored = async (hash: string): Promise<string | undefined> =>
  (await scene.store.get(contentKey(hash)))?.toString('utf8');

async function submitted(watched: Watched, count: number): Promise<void> {
  const { submissions, log } = watched;
  await until(
    () => submissions.length >= count && processed().length >= count,
    () => `${submissions.length} of ${count} submitted; log ${JSON.stringify(log.lines.slice(-10))}`,
  );
}

/** Drops a marker after whatever must not be taken: when the marker is through, the other had its chance. */
async function markerThrough(watched: Watched, times = 1): Promise<void> {
  for (let index = 0; index < times; index += 1) {
    const name = `marker-${index}-${Math.random().toString(36).slice(2)}.csv`;
    drop(scene, name, csv(name));
    await until(
      () => names(watched.submissions).includes(name),
      () => `${name} is not submitted`,
    );
  }
}

describe('a file in the inbox', () => {
  test('is staged, submitted and moved to processed, whether it was there before or comes later', async () => {
    const early = csv('ann');
    drop(scene, 'early.csv', early);
    const watched = watch();
    await watched.watcher.ready;
    const late = csv('bob');
    drop(scene, 'late.csv', late);
    await submitted(watched, 2);
    expect(names(watched.submissions).sort()).toEqual(['early.csv', 'late.csv']);
    expect(await stored(sha256(early))).toBe(early);
    expect(await stored(sha256(late))).toBe(late);
    expect(filesIn(scene.inbox)).toEqual([]);
    expect(processed().map((name) => name.replace(/^\d{8}T\d{6}\.\d{3}Z-/, ''))).toEqual(
      expect.arrayContaining(['early.csv', 'late.csv']),
    );
    // A file is seen in processed a moment before the watcher knows it.
    await until(
      () => watched.watcher.status().claimedFiles === 0,
      () => 'not through',
    );
    expect(watched.watcher.status()).toEqual({
      ...{ pendingFiles: 0, pendingBytes: 0, claimedFiles: 0 },
      ...{ submittedFiles: 2, failing: false },
    });
  });

  test('is found by the scan when events are off', async () => {
    const watched = watch({ watch: 'off' });
    await watched.watcher.ready;
    drop(scene, 'a.csv', csv('ann'));
    await submitted(watched, 1);
  });

  test('in urgent/ is submitted as urgent, also when the folder is made later', async () => {
    const watched = watch();
    await watched.watcher.ready;
    mkdirSync(join(scene.inbox, 'urgent'));
    mkdirSync(join(scene.inbox, 'other'));
    drop(scene, 'urgent/now.csv', csv('ann'));
    drop(scene, 'other/never.csv', csv('cid'));
    drop(scene, 'later.csv', csv('bob'));
    await submitted(watched, 2);
    await markerThrough(watched);
    const priorities = watched.submissions.slice(0, 2).map(({ fileName, priority }) => [fileName, priority]);
    expect(priorities.sort()).toEqual([
      ['later.csv', 'normal'],
      ['now.csv', 'urgent'],
    ]);
    expect(filesIn(join(scene.inbox, 'other'))).toEqual(['never.csv']);
  });

  test('that is gzipped is stored expanded; a damaged one is submitted with its refusal', async () => {
    const watched = watch();
    const content = csv('ann', 'bob');
    const zipped = gzipSync(content);
    drop(scene, 'good.csv.gz', zipped);
    drop(scene, 'cut.csv.gz', zipped.subarray(0, zipped.length - 6));
    await submitted(watched, 2);
    expect(await stored(sha256(zipped))).toBe(content);
    const cut = watched.submissions.find(({ fileName }) => fileName === 'cut.csv.gz');
    expect(cut?.staged.refusal?.code).toBe('bad_gzip');
    expect(await stored(cut?.staged.sha256 ?? '')).toBeUndefined();
  });

  test('with control characters in its name is taken, and logged with escapes', async () => {
    const watched = watch();
    drop(scene, 'a\u001b[31m\n.csv', csv('ann'));
    await submitted(watched, 1);
    expect(names(watched.submissions)).toEqual(['a\u001b[31m\n.csv']);
    const logged = (): string | undefined => watched.log.lines.find(({ event }) => event === 'file_started')?.file;
    await until(
      () => logged() !== undefined,
      () => 'nothing is logged',
    );
    expect(logged()).toBe('a\\u001b[31m\\u000a.csv');
  });

  test('with the longest possible name is taken', async () => {
    const watched = watch();
    const name = `${'é'.repeat(125)}a.csv`;
    expect(Buffer.byteLength(name)).toBe(255);
    drop(scene, name, csv('ann'));
    await submitted(watched, 1);
    expect(names(watched.submissions)).toEqual([name]);
    expect(processed()[0]).toMatch(/Z-é+…é+a\.csv$/);
  });

  test('never replaces an earlier one of the same name and second in processed', async () => {
    const watched = watch({ now: () => new Date('2025-01-31T23:59:59.123Z') });
    drop(scene, 'a.csv', csv('ann'));
    await submitted(watched, 1);
    drop(scene, 'a.csv', csv('bob'));
    await submitted(watched, 2);
    expect(processed()).toEqual(['20250131T235959.123Z-2-a.csv', '20250131T235959.123Z-a.csv']);
    expect(readFileSync(join(scene.inbox, 'processed', '20250131T235959.123Z-a.csv'), 'utf8')).toBe(csv('ann'));
  });
});

describe('what is left alone', () => {
  test('uploads in progress and unsupported files: one log line each, taken once renamed', async () => {
    const watched = watch();
    const ignored = [
      '.hidden.csv',
      'a.csv.part',
      'b.partial',
      'c.tmp',
      'd.crdownload',
      'e.filepart',
      'f.csv.swp',
      'g.csv~',
    ];
    for (const name of [...ignored, 'picture.png']) drop(scene, name, csv('ann'));
    await markerThrough(watched, 3);
    const left = watched.log.lines.filter(({ event }) => event === 'file_ignored').map(({ file }) => file);
    expect(left.sort()).toEqual([...ignored, 'picture.png'].sort());
    renameSync(join(scene.inbox, 'a.csv.part'), join(scene.inbox, 'a.csv'));
    await until(
      () => names(watched.submissions).includes('a.csv'),
      () => 'a.csv is not submitted',
    );
  });

  test('symbolic links, folders, FIFOs and sockets are skipped, logged once and never opened', async () => {
    const target = join(scene.root, 'elsewhere.csv');
    writeFileSync(target, csv('ann'));
    symlinkSync(target, join(scene.inbox, 'link.csv'));
    mkdirSync(join(scene.inbox, 'folder.csv'));
    execFileSync('mkfifo', [join(scene.inbox, 'fifo.csv')]);
    const server = createServer().listen(join(scene.inbox, 'socket.csv'));
    const watched = watch();
    await markerThrough(watched, 3);
    const left = watched.log.lines.filter(({ event }) => event === 'file_ignored').map(({ file }) => file);
    expect(left.sort()).toEqual(['fifo.csv', 'folder.csv', 'link.csv', 'socket.csv']);
    expect(filesIn(scene.inbox)).toEqual(['fifo.csv', 'link.csv', 'socket.csv']);
    server.close();
  });

  test('a name that is not UTF-8 is reported, not passed over in silence', async () => {
    const watched = watch();
    writeFileSync(
      Buffer.concat([Buffer.from(`${scene.inbox}/caf`), Buffer.from([0xe9]), Buffer.from('.csv')]),
      csv('ann'),
    );
    await until(
      () => watched.log.lines.some(({ reason }) => reason?.includes('UTF-8') ?? false),
      () => 'nothing logged',
    );
  });
});

describe('completeness', () => {
  test('a file held open for writing is not taken before it is closed, however long it pauses', async () => {
    const watched = watch();
    const fd = openSync(join(scene.inbox, 'slow.csv'), 'w');
    writeSync(fd, csv('ann'));
    await markerThrough(watched, 4);
    expect(names(watched.submissions)).not.toContain('slow.csv');
    writeSync(fd, 'bob,hello\n');
    closeSync(fd);
    await submitted(watched, 5);
    expect(await stored(sha256(csv('ann', 'bob')))).toBe(csv('ann', 'bob'));
  });

  test('a preallocated file is taken with its final content', async () => {
    const watched = watch();
    const content = csv('ann', 'bob');
    const fd = openSync(join(scene.inbox, 'pre.csv'), 'w');
    ftruncateSync(fd, Buffer.byteLength(content));
    await markerThrough(watched, 3);
    writeSync(fd, content, 0);
    closeSync(fd);
    await submitted(watched, 4);
    expect(await stored(sha256(content))).toBe(content);
  });

  test('a file that grows by reopening is taken once it rests, whole', async () => {
    const watched = watch({ settle: { seenMs: 1_500, unseenMs: 3_000 } });
    let content = csv('ann');
    const path = drop(scene, 'grow.csv', content);
    for (let index = 0; index < 20; index += 1) {
      await sleep(50);
      appendFileSync(path, `user${index},hello\n`);
      content += `user${index},hello\n`;
    }
    await submitted(watched, 1);
    expect(await stored(sha256(content))).toBe(content);
  });

  test('replaced, truncated and deleted while pending: the last content or nothing', async () => {
    const watched = watch({ settle: { seenMs: 1_500, unseenMs: 1_500 } });
    for (const name of ['replaced.csv', 'truncated.csv', 'deleted.csv']) drop(scene, name, csv('ann', 'bob', name));
    await until(
      () => watched.watcher.status().pendingFiles === 3,
      () => 'not seen',
    );
    drop(scene, '.new', csv('new'));
    renameSync(join(scene.inbox, '.new'), join(scene.inbox, 'replaced.csv'));
    truncateSync(join(scene.inbox, 'truncated.csv'), 25);
    unlinkSync(join(scene.inbox, 'deleted.csv'));
    await submitted(watched, 2);
    const byName = new Map(watched.submissions.map(({ fileName, staged }) => [fileName, staged.sha256]));
    expect([...byName.keys()].sort()).toEqual(['replaced.csv', 'truncated.csv']);
    expect(byName.get('replaced.csv')).toBe(sha256(csv('new')));
    expect(byName.get('truncated.csv')).toBe(sha256(csv('ann', 'bob').slice(0, 25)));
    expect(watched.watcher.status()).toMatchObject({ pendingFiles: 0, claimedFiles: 0, failing: false });
  });

  test('clocks in the far future and past do not matter', async () => {
    const watched = watch();
    for (const [name, year] of [
      ['future.csv', 2090],
      ['past.csv', 1971],
    ] as const) {
      drop(scene, `.${name}`, csv(name));
      const time = new Date(Date.UTC(year, 0, 1));
      utimesSync(join(scene.inbox, `.${name}`), time, time);
      renameSync(join(scene.inbox, `.${name}`), join(scene.inbox, name));
    }
    await submitted(watched, 2);
    expect(names(watched.submissions).sort()).toEqual(['future.csv', 'past.csv']);
  });

  test('where writers are hidden, and for an empty file, the longer settle time holds', async () => {
    const watched = watch({ writersAreLocal: false, settle: { seenMs: 50, unseenMs: 1_000 } });
    const startedMs = performance.now();
    drop(scene, 'a.csv', csv('ann'));
    drop(scene, 'empty.csv', '');
    await submitted(watched, 2);
    expect(performance.now() - startedMs).toBeGreaterThan(1_000);
  });
});

describe('when something fails', () => {
  test('a submission that fails is retried, said once, and other files go on', async () => {
    let down = true;
    const watched = watch({}, async ({ fileName }): Promise<SubmitResult> => {
      if (down && fileName.startsWith('stuck')) throw new Error('no connection');
      return 'started';
    });
    for (let index = 0; index < 6; index += 1) drop(scene, `stuck-${index}.csv`, csv(`ann${index}`));
    drop(scene, 'fine.csv', csv('bob'));
    await submitted(watched, 1);
    expect(names(watched.submissions)).toEqual(['fine.csv']);
    await until(
      () => watched.log.lines.filter(({ event }) => event === 'submit_failing').length >= 6,
      () => 'not tried',
    );
    expect(watched.watcher.status()).toMatchObject({ failing: true, claimedFiles: 6 });
    down = false;
    await submitted(watched, 7);
    const failing = watched.log.lines.filter(({ event, level }) => event === 'submit_failing' && level === 'warn');
    expect(failing).toHaveLength(1);
    expect(watched.log.lines.filter(({ event }) => event === 'submit_recovered')).toHaveLength(1);
    expect(watched.watcher.status().failing).toBe(false);
  });

  test('a move to processed that fails is retried without submitting again', async () => {
    writeFileSync(join(scene.inbox, 'processed'), 'in the way');
    const watched = watch();
    drop(scene, 'a.csv', csv('ann'));
    await until(
      () => watched.log.lines.filter(({ event }) => event === 'move_failing').length >= 2,
      () => JSON.stringify(watched.log.lines),
    );
    unlinkSync(join(scene.inbox, 'processed'));
    await submitted(watched, 1);
    expect(watched.submissions).toHaveLength(1);
  });

  test('what a closed watcher had not submitted is finished by the next one', async () => {
    const first = watch({}, async () => {
      throw new Error('no connection');
    });
    drop(scene, 'a.csv', csv('ann'));
    mkdirSync(join(scene.inbox, 'urgent'));
    drop(scene, 'urgent/b.csv', csv('bob'));
    await until(
      () => first.log.lines.filter(({ event }) => event === 'submit_failing').length >= 2,
      () => JSON.stringify(first.log.lines),
    );
    await first.watcher.close();
    const second = watch();
    await submitted(second, 2);
    const priorities = second.submissions.map(({ fileName, priority }) => [fileName, priority]);
    expect(priorities.sort()).toEqual([
      ['a.csv', 'normal'],
      ['b.csv', 'urgent'],
    ]);
  });

  test('an inbox that is removed is said once, and watched again when it is back', async () => {
    const watched = watch();
    await watched.watcher.ready;
    rmSync(scene.inbox, { recursive: true });
    await until(
      () => watched.log.lines.some(({ event }) => event === 'intake_failing'),
      () => 'not said',
    );
    mkdirSync(scene.inbox);
    drop(scene, 'a.csv', csv('ann'));
    await submitted(watched, 1);
  });

  test('a path that cannot be an inbox is refused with a next step', async () => {
    const file = join(scene.root, 'file');
    writeFileSync(file, '');
    const watched = watch({ inbox: file });
    await expect(watched.watcher.ready).rejects.toMatchObject({ code: 'config', nextStep: expect.any(String) });
  });
});

describe('a link in the place of a folder of wds', () => {
  for (const name of ['processed', '.wds']) {
    test(`${name} is refused at the start, and nothing is written behind it`, async () => {
      mkdirSync(join(scene.root, 'elsewhere'));
      symlinkSync(join(scene.root, 'elsewhere'), join(scene.inbox, name));
      drop(scene, 'a.csv', csv('ann'));
      const { watcher } = watch();
      await expect(watcher.ready).rejects.toMatchObject({
        code: 'config',
        message: expect.stringContaining(`${name} is a symbolic link`),
        nextStep: expect.any(String),
      });
      expect(readdirSync(join(scene.root, 'elsewhere'))).toEqual([]);
      expect(filesIn(scene.inbox)).toContain('a.csv');
    });
  }

  test('that is made later keeps the file claimed, says why, and the file is put away once it is gone', async () => {
    const watched = watch();
    await watched.watcher.ready;
    mkdirSync(join(scene.root, 'elsewhere'));
    symlinkSync(join(scene.root, 'elsewhere'), join(scene.inbox, 'processed'));
    drop(scene, 'a.csv', csv('ann'));
    const reason = (): string => watched.log.lines.find(({ event }) => event === 'move_failing')?.reason ?? '';
    await until(
      () => reason() !== '',
      () => JSON.stringify(watched.log.lines),
    );
    expect(reason()).toContain('is a symbolic link');
    expect(readdirSync(join(scene.root, 'elsewhere'))).toEqual([]);
    rmSync(join(scene.inbox, 'processed'));
    await submitted(watched, 1);
    expect(watched.submissions).toHaveLength(1);
  });
});

describe('claims that others have left', () => {
  const other = JSON.stringify({ instance: 'other', host: 'elsewhere', pid: 1, kernel: 'another', processStart: '1' });
  function leave(content: string): { alive: string; claim: string } {
    const folder = join(scene.inbox, '.wds', 'claims', 'other');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'alive'), other);
    writeFileSync(join(folder, '000001-urgent-a.csv'), content);
    return { alive: join(folder, 'alive'), claim: join(folder, '000001-urgent-a.csv') };
  }

  test('are adopted when their watcher on another host falls silent, with their priority', async () => {
    leave(csv('ann'));
    const watched = watch({ deadAfterMs: 700 });
    await submitted(watched, 1);
    expect(watched.submissions[0]).toMatchObject({ fileName: 'a.csv', priority: 'urgent' });
    expect(filesIn(join(scene.inbox, '.wds', 'claims', 'other'))).toEqual([]);
  });

  test('are left to a watcher that is slow, but gives signs of life', async () => {
    const { alive, claim } = leave(csv('ann'));
    const beats = setInterval(() => utimesSync(alive, Math.random() * 1e6, Math.random() * 1e6), 50);
    const watched = watch({ deadAfterMs: 700 });
    await markerThrough(watched, 8);
    expect(existsSync(claim)).toBe(true);
    clearInterval(beats);
    await submitted(watched, 9);
  });

  test('are not read while somebody still writes to them', async () => {
    const { claim } = leave(csv('ann'));
    const fd = openSync(claim, 'a');
    const watched = watch({ deadAfterMs: 300 });
    await until(
      () => watched.log.lines.some(({ event }) => event === 'claim_adopted'),
      () => 'not adopted',
    );
    await markerThrough(watched, 3);
    expect(names(watched.submissions)).not.toContain('a.csv');
    writeSync(fd, 'bob,hello\n');
    closeSync(fd);
    await submitted(watched, 4);
    expect(await stored(sha256(csv('ann', 'bob')))).toBe(csv('ann', 'bob'));
  });
});

describe('several watchers and many files', () => {
  test('two watchers on one folder with 1,000 files: each is submitted once', async () => {
    for (let index = 0; index < 1_000; index += 1) drop(scene, `f${index}.csv`, csv(`user${index}`));
    const both = [watch(), watch()];
    const all = (): Submission[] => both.flatMap(({ submissions }) => submissions);
    await until(
      () => all().length >= 1_000 && processed().length >= 1_000,
      () => `${all().length} submitted, ${processed().length} processed`,
      40_000,
    );
    expect(all()).toHaveLength(1_000);
    expect(new Set(all().map(({ staged }) => staged.sha256)).size).toBe(1_000);
    expect(processed()).toHaveLength(1_000);
    expect(both.every(({ submissions }) => submissions.length > 0)).toBe(true);
  }, 60_000);

  test('5,000 files at once are found by scans alone, each once', async () => {
    const count = 5_000;
    for (let index = 0; index < count; index += 1) drop(scene, `f${index}.csv`, csv(`user${index}`));
    const watched = watch({ watch: 'off', store: new ForgetfulStore(scene.storeFolder) });
    await until(
      () => watched.watcher.status().submittedFiles >= count,
      () => JSON.stringify(watched.watcher.status()),
      60_000,
    );
    expect(watched.submissions).toHaveLength(count);
    expect(new Set(watched.submissions.map(({ staged }) => staged.sha256)).size).toBe(count);
    expect(filesIn(scene.inbox)).toEqual([]);
  }, 90_000);
});

/** Reads everything and keeps nothing: what is tested is the watcher's way through a crowd, not the disk's syncs. */
class ForgetfulStore extends FolderStore {
  override async put(): Promise<void> {}
  override async putHashed(source: AsyncIterable<Uint8Array>, keyOf: () => Promise<string | undefined>): Promise<void> {
    for await (const _ of source);
    await keyOf();
  }
}
