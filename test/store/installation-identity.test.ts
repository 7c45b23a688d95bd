import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FolderStore } from '../../src/store/folder-store.ts';
import { OwnStore, readInstallationId, settleInstallationId } from '../../src/store/installation-identity.ts';

let home: string;
let folder: string;
let store: FolderStore;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'wds-identity-'));
  folder = join(home, 'store');
  store = new FolderStore(folder);
});
afterEach(() => rm(home, { recursive: true }));

describe('the identity of an installation', () => {
  test('is made once in an empty store, and the same for all that begin at the same moment', async () => {
    expect(await readInstallationId(store)).toBeUndefined();
    const others = Array.from({ length: 20 }, () => new FolderStore(folder));
    const ids = await Promise.all(others.map(settleInstallationId));
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).toMatch(/^[0-9a-f]{12}$/);
    expect(await settleInstallationId(store)).toBe(ids[0]);
    expect(await readdir(folder)).toEqual(['installation.json']);
  });

  test('is another one in another home', async () => {
    const other = new FolderStore(join(home, 'other'));
    expect(await settleInstallationId(store)).not.toBe(await settleInstallationId(other));
  });

  test('is added to a store of an earlier version, whose content stays', async () => {
    await store.put('abc/file.json', '{}');
    await settleInstallationId(store);
    expect(await readdir(folder)).toEqual(['abc', 'installation.json']);
  });

  test('that cannot be read is never replaced', async () => {
    await store.put('installation.json', '{"id":"12');
    await expect(settleInstallationId(store)).rejects.toMatchObject({ code: 'store' });
    expect(await readFile(join(folder, 'installation.json'), 'utf8')).toBe('{"id":"12');
  });
});

describe('the store that a process began with', () => {
  test('is confirmed while it is there, and refused while it is not', async () => {
    const own = new OwnStore(store, await settleInstallationId(store), folder);
    await own.confirm();
    await rename(folder, join(home, 'unmounted'));
    await expect(own.confirm()).rejects.toMatchObject({ code: 'store', nextStep: expect.stringContaining('mounted') });
    await rename(join(home, 'unmounted'), folder);
    await own.confirm();
  });

  test('is not that of another installation that is found in its place', async () => {
    const own = new OwnStore(store, await settleInstallationId(store), folder);
    await writeFile(join(folder, 'installation.json'), '{"id":"0123456789ab"}');
    await expect(own.confirm()).rejects.toThrow(/installation 0123456789ab/);
  });
});
