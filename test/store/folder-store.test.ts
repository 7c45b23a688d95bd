import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FolderStore } from '../../src/store/folder-store.ts';

/** A disk that fails on request; everything else is the real one. */
const disk = vi.hoisted(() => ({ writeSync: [] as (number | Error)[], fdatasync: [] as (Error | null)[] }));
vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof import('node:fs')>();
  const writeSync = (fd: number, bytes: Buffer, offset: number): number => {
    const next = disk.writeSync.shift();
    if (next instanceof Error) throw next;
    return fs.writeSync(fd, bytes, offset, next ?? bytes.length - offset);
  };
  const fdatasync = (fd: number, callback: (error: Error | null) => void): void => {
    const next = disk.fdatasync.shift();
    if (next) setImmediate(() => callback(next));
    else fs.fdatasync(fd, callback);
  };
  return { ...fs, writeSync, fdatasync };
});

const errno = (code: string): Error => Object.assign(new Error(code), { code });
let root: string;
let store: FolderStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'wds-store-'));
  store = new FolderStore(root);
  disk.writeSync.length = 0;
  disk.fdatasync.length = 0;
});
afterEach(() => rm(root, { recursive: true }));

describe('objects', () => {
  test('are whole or not there, and leave nothing behind when their source breaks off', async () => {
    async function* broken() {
      yield 'half';
      throw new Error('the source broke');
    }
    await store.put('a/b', 'one');
    await expect(store.putStream('a/b', broken())).rejects.toThrow('the source broke');
    await expect(store.putStream('a/c', broken())).rejects.toThrow('the source broke');
    expect(await readdir(join(root, 'a'))).toEqual(['b']);
    expect(String(await store.get('a/b'))).toBe('one');
    await store.put('a/b', 'two');
    expect(String(await store.get('a/b'))).toBe('two');
  });

  test('are written, also by several at once, into folders that somebody has removed since they were made', async () => {
    await store.put('a/b', 'one');
    const hashed = async function* () {
      yield Buffer.from('three');
    };
    await store.putHashed(hashed(), async () => 'c/d');
    for (const name of ['a', 'c', 'incoming']) await rm(join(root, name), { recursive: true });
    await Promise.all([store.put('a/b', 'two'), store.put('a/c', 'two'), store.putHashed(hashed(), async () => 'c/d')]);
    expect(String(await store.get('a/b'))).toBe('two');
    expect(String(await store.get('c/d'))).toBe('three');
  });
});

describe('an object that is created', () => {
  test('belongs to one of many that want it, whole, and nothing else is left behind', async () => {
    const texts = Array.from({ length: 8 }, (_, index) => `text ${index}`);
    const won = await Promise.all(texts.map((text) => store.create('a/1', text)));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(String(await store.get('a/1'))).toBe(texts[won.indexOf(true)]);
    expect(store.namesNow('a')).toEqual(['1']);
  });
});

describe('a journal', () => {
  test('belongs to who creates it', async () => {
    const journals = await Promise.all(Array.from({ length: 8 }, () => store.createJournal('a/j.1')));
    const own = journals.filter((journal) => journal !== undefined);
    expect(own).toHaveLength(1);
    expect(store.namesNow('a')).toEqual(['j.1']);
    expect(store.namesNow('b')).toEqual([]);
    await own[0]?.close();
  });

  test('is written on where a write was short', async () => {
    const journal = await store.createJournal('j.1');
    disk.writeSync.push(2, 1);
    journal?.append('one line\n');
    await journal?.flush();
    await journal?.close();
    expect(await readFile(join(root, 'j.1'), 'utf8')).toBe('one line\n');
  });

  test('takes nothing after a line that broke off: only a torn last line is harmless', async () => {
    const journal = await store.createJournal('j.1');
    disk.writeSync.push(3, errno('ENOSPC'));
    expect(() => journal?.append('one line\n')).toThrow(/ENOSPC/);
    expect(() => journal?.append('another\n')).toThrow(/mid-line/);
    await journal?.close();
    expect(await readFile(join(root, 'j.1'), 'utf8')).toBe('one');
  });

  test('forgets no failed sync: the disk tells of it only once', async () => {
    const journal = await store.createJournal('j.1');
    journal?.append('x\n');
    disk.fdatasync.push(errno('EIO'));
    const [first, second] = await Promise.allSettled([journal?.flush(), journal?.flush()]);
    expect([first?.status, second?.status]).toEqual(['rejected', 'rejected']);
    await expect(journal?.flush()).rejects.toMatchObject({ code: 'store' });
    await journal?.close();
  });

  test('is created anew in a folder that somebody has removed', async () => {
    await (await store.createJournal('a/j.1'))?.close();
    await rm(join(root, 'a'), { recursive: true });
    await expect(store.createJournal('a/j.1')).rejects.toMatchObject({ code: 'store' });
    const journal = await store.createJournal('a/j.1');
    expect(journal).toBeDefined();
    await journal?.close();
  });

  test('a fence that cannot be looked at is no open one', () => {
    expect(() => store.namesNow('x'.repeat(5_000))).toThrow(/ENAMETOOLONG/);
  });
});
