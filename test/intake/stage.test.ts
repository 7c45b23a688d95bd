import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sampleOf } from '../../src/intake/completeness.ts';
import type { StageOptions } from '../../src/intake/stage.ts';
import { FileChanged, stageFile, stageForSending } from '../../src/intake/stage.ts';
import { FolderStore } from '../../src/store/folder-store.ts';
import { contentKey, fileKey } from '../../src/store/layout.ts';
import { readStagedFile } from '../../src/store/staged-file.ts';
import type { Scene } from './support.ts';
import { csv, drop, filesIn, newScene, removeScene } from './support.ts';

let scene: Scene;
beforeEach(() => {
  scene = newScene();
});
afterEach(() => removeScene(scene));

const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');
const options = (change: Partial<StageOptions> = {}): StageOptions => ({
  name: 'a.csv',
  format: 'csv',
  gzip: false,
  maxExpandedBytes: 1 << 20,
  now: () => new Date('2025-01-31T00:00:00Z'),
  ...change,
});
const leftovers = (): string[] => filesIn(join(scene.storeFolder, 'incoming'));

/** A store to which something happens when it has taken the first block of a file. */
class InterruptedStore extends FolderStore {
  readonly #act: () => void;
  constructor(root: string, act: () => void) {
    super(root);
    this.#act = act;
  }
  override putHashed(source: AsyncIterable<Uint8Array>, keyOf: () => Promise<string | undefined>): Promise<void> {
    const act = this.#act;
    let acted = false;
    const interrupted = async function* (): AsyncGenerator<Uint8Array> {
      for await (const block of source) {
        yield block;
        if (!acted) act();
        acted = true;
      }
    };
    return super.putHashed(interrupted(), keyOf);
  }
}

describe('staging', () => {
  test('keeps the bytes under their hash and says what was dropped', async () => {
    const content = randomBytes(3_000_000);
    const path = drop(scene, 'a.csv', content);
    const staged = await stageFile(scene.store, path, options());
    expect(staged).toEqual({
      sha256: sha256(content),
      name: 'a.csv',
      format: 'csv',
      gzip: false,
      sizeBytes: 3_000_000,
      contentBytes: 3_000_000,
      stagedAt: '2025-01-31T00:00:00.000Z',
    });
    expect((await scene.store.get(contentKey(staged.sha256)))?.equals(content)).toBe(true);
    expect(await readStagedFile(scene.store, staged.sha256)).toEqual(staged);
    expect(leftovers()).toEqual([]);
    expect(existsSync(path)).toBe(true);
  });

  test('of an empty file is no special case', async () => {
    const staged = await stageFile(scene.store, drop(scene, 'a.csv', ''), options());
    expect(staged).toMatchObject({ sha256: sha256(''), sizeBytes: 0, contentBytes: 0 });
    expect((await scene.store.get(contentKey(staged.sha256)))?.length).toBe(0);
  });

  test('expands gzip, and hashes what was dropped', async () => {
    const zipped = gzipSync(csv('ann'));
    const staged = await stageFile(scene.store, drop(scene, 'a.csv.gz', zipped), options({ gzip: true }));
    expect(staged).toMatchObject({ sha256: sha256(zipped), sizeBytes: zipped.length, contentBytes: csv('ann').length });
    expect((await scene.store.get(contentKey(staged.sha256)))?.toString()).toBe(csv('ann'));
  });

  test('of damaged or too large gzip gives a refusal for the workflow to say, and no content', async () => {
    const zipped = gzipSync(randomBytes(2_000_000));
    const damaged = Buffer.concat([zipped.subarray(0, 1000), randomBytes(1_500_000)]);
    for (const [bytes, code] of [
      [damaged, 'bad_gzip'],
      [zipped, 'expands_too_far'],
    ] as const) {
      const staged = await stageFile(scene.store, drop(scene, 'a.csv.gz', bytes), options({ gzip: true }));
      expect(staged).toMatchObject({
        sha256: sha256(bytes),
        sizeBytes: bytes.length,
        contentBytes: 0,
        refusal: { code },
      });
      expect(await scene.store.exists(contentKey(staged.sha256))).toBe(false);
      expect(await readStagedFile(scene.store, staged.sha256)).toEqual(staged);
    }
    expect(leftovers()).toEqual([]);
  });
});

describe('the same bytes again', () => {
  test('keep the first name, and write nothing', async () => {
    const first = await stageFile(scene.store, drop(scene, 'a.csv', csv('ann')), options());
    const before = statSync(join(scene.storeFolder, fileKey(first.sha256)));
    const second = await stageFile(
      scene.store,
      drop(scene, 'b.csv', csv('ann')),
      options({ name: 'b.csv', now: () => new Date() }),
    );
    expect(second).toEqual(first);
    expect(statSync(join(scene.storeFolder, fileKey(first.sha256))).ino).toBe(before.ino);
    expect(leftovers()).toEqual([]);
  });

  test('staged by several at once end as one file', async () => {
    const path = drop(scene, 'a.csv', randomBytes(1_000_000));
    const all = await Promise.all(Array.from({ length: 5 }, () => stageFile(scene.store, path, options())));
    expect(new Set(all.map((staged) => staged.sha256)).size).toBe(1);
    expect(await scene.store.size(contentKey(all[0]?.sha256 ?? ''))).toBe(1_000_000);
    expect(leftovers()).toEqual([]);
  });

  test('bring back content that the store has lost', async () => {
    const path = drop(scene, 'a.csv', csv('ann'));
    const { sha256: hash } = await stageFile(scene.store, path, options());
    await scene.store.delete(contentKey(hash));
    await stageFile(scene.store, path, options());
    expect((await scene.store.get(contentKey(hash)))?.toString()).toBe(csv('ann'));
  });

  test('under a mended extension are staged as what they are', async () => {
    const zipped = gzipSync(csv('ann'));
    const path = drop(scene, 'a', zipped);
    await stageFile(scene.store, path, options({ name: 'a.json', format: 'json' }));
    const mended = await stageFile(scene.store, path, options({ name: 'a.csv.gz', gzip: true }));
    expect(mended).toMatchObject({ name: 'a.json', format: 'csv', gzip: true, contentBytes: csv('ann').length });
    expect((await scene.store.get(contentKey(mended.sha256)))?.toString()).toBe(csv('ann'));

    const plain = drop(scene, 'b', csv('bob'));
    expect((await stageFile(scene.store, plain, options({ name: 'b.csv.gz', gzip: true }))).refusal).toBeDefined();
    const plainMended = await stageFile(scene.store, plain, options({ name: 'b.csv' }));
    expect(plainMended).toMatchObject({ gzip: false, contentBytes: csv('bob').length });
    expect(plainMended.refusal).toBeUndefined();
  });

  test('under a wrong extension later do not touch what was staged whole', async () => {
    const path = drop(scene, 'a', gzipSync(csv('ann')));
    const first = await stageFile(scene.store, path, options({ name: 'a.csv.gz', gzip: true }));
    expect(await stageFile(scene.store, path, options({ name: 'a.csv' }))).toEqual(first);
    expect((await scene.store.get(contentKey(first.sha256)))?.toString()).toBe(csv('ann'));
  });
});

describe('a file that changes while it is read', () => {
  test.each([
    ['grows', (path: string) => appendFileSync(path, 'more')],
    ['shrinks', (path: string) => truncateSync(path, 600_000)],
    [
      'is rewritten in place',
      (path: string) => {
        const fd = openSync(path, 'r+');
        writeSync(fd, 'other', 0);
        closeSync(fd);
      },
    ],
    [
      'is rewritten in place and its mtime is set back',
      (path: string) => {
        const { ctimeMs } = statSync(path);
        const fd = openSync(path, 'r+');
        const endMs = performance.now() + 5_000;
        // The clock of a file system has ticks of some milliseconds.
        do {
          writeSync(fd, 'other', 0);
          utimesSync(path, 1_000, 1_000);
        } while (statSync(path).ctimeMs === ctimeMs && performance.now() < endMs);
        closeSync(fd);
        expect(statSync(path)).toMatchObject({ size: 2_000_000, mtimeMs: 1_000_000 });
      },
    ],
  ])('is not staged when it %s', async (_, act) => {
    const path = drop(scene, 'a.csv', randomBytes(2_000_000));
    utimesSync(path, 1_000, 1_000);
    const store = new InterruptedStore(scene.storeFolder, () => act(path));
    await expect(stageFile(store, path, options())).rejects.toBeInstanceOf(FileChanged);
    expect(await scene.store.list('')).toEqual(['incoming']);
    expect(leftovers()).toEqual([]);
  });

  test('is not even read when it is another one than was found complete', async () => {
    const path = drop(scene, 'a.csv', csv('ann'));
    const expected = sampleOf(statSync(path));
    drop(scene, 'new', csv('bob'));
    renameSync(join(scene.inbox, 'new'), path);
    await expect(stageFile(scene.store, path, options({ expected }))).rejects.toBeInstanceOf(FileChanged);
  });
});

describe('what is no file', () => {
  test('is never read: links, FIFOs, folders', async () => {
    const link = join(scene.inbox, 'link.csv');
    symlinkSync(drop(scene, 'a.csv', csv('ann')), link);
    await expect(stageFile(scene.store, link, options())).rejects.toMatchObject({ code: 'ELOOP' });
    const fifo = join(scene.inbox, 'fifo.csv');
    execFileSync('mkfifo', [fifo]);
    await expect(stageFile(scene.store, fifo, options())).rejects.toMatchObject({ code: 'unsupported_file' });
    const folder = join(scene.inbox, 'folder.csv');
    mkdirSync(folder);
    await expect(stageFile(scene.store, folder, options())).rejects.toMatchObject({ code: 'unsupported_file' });
  });
});

describe('staging for a person who sends a file', () => {
  test('says what is wrong, and what to do', async () => {
    const nowhere = stageForSending(scene.store, join(scene.inbox, 'none.csv'), options());
    await expect(nowhere).rejects.toMatchObject({ code: 'not_found', nextStep: expect.any(String) });
    const path = drop(scene, 'a.csv', randomBytes(2_000_000));
    const store = new InterruptedStore(scene.storeFolder, () => appendFileSync(path, 'more'));
    const changing = stageForSending(store, path, options());
    await expect(changing).rejects.toMatchObject({ code: 'file_refused', nextStep: expect.any(String) });
  });

  test('follows a link, and leaves the original', async () => {
    const link = join(scene.root, 'link.csv');
    const path = drop(scene, 'a.csv', csv('ann'));
    symlinkSync(path, link);
    expect((await stageForSending(scene.store, link, options())).sha256).toBe(sha256(csv('ann')));
    expect(existsSync(path)).toBe(true);
  });
});

describe('the store', () => {
  test('removes what crashed writers have left, and nothing of a live one', async () => {
    const incoming = join(scene.storeFolder, 'incoming');
    mkdirSync(incoming, { recursive: true });
    writeFileSync(join(incoming, 'old.tmp'), 'x');
    writeFileSync(join(incoming, 'live.tmp'), 'x');
    const twoHoursAgo = Date.now() / 1000 - 7_200;
    utimesSync(join(incoming, 'old.tmp'), twoHoursAgo, twoHoursAgo);
    await stageFile(scene.store, drop(scene, 'a.csv', csv('ann')), options());
    expect(leftovers()).toEqual(['live.tmp']);
  });
});
