/** The folders of an installation: its home with the store, and the inbox. Nothing is made or written. */
import { constants } from 'node:fs';
import { access, readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { FolderStore } from '../../store/folder-store.ts';
import { readInstallationId } from '../../store/installation-identity.ts';
import { reasonOf } from '../../thrown.ts';
import type { Finding } from './finding.ts';
import { fault, ok, warning } from './finding.ts';
import { nearestFolder } from './machine.ts';

const { R_OK, W_OK, X_OK } = constants;
/** File systems on which other hosts write: NFS, SMB (two of them), FUSE, Ceph, 9p. */
const SHARED_TYPES = new Map([
  [0x6969, 'NFS'],
  [0xff534d42, 'SMB'],
  [0xfe534d42, 'SMB'],
  [0x65735546, 'FUSE'],
  [0x00c36400, 'Ceph'],
  [0x01021997, '9p'],
]);

/** Whose store the home has. */
export interface StoreState {
  readonly findings: readonly Finding[];
  /** undefined: it has none yet. */
  readonly installation: string | undefined;
}

export async function storeState(home: string): Promise<StoreState> {
  const store = join(home, 'store');
  const there = nearestFolder(store);
  const denied = await denial(there);
  if (denied !== undefined) {
    const next = `Give the user that runs wds read and write permission on ${there}.`;
    return { findings: [fault('home', `${there}: ${denied}`, next)], installation: undefined };
  }
  if (there !== store) {
    const found = `${home}: nothing was delivered from here yet`;
    const next = 'It is made by the first wds up, send, watch or worker. If there should be one, check --home.';
    return { findings: [warning('home', found, next)], installation: undefined };
  }
  try {
    const installation = await readInstallationId(new FolderStore(store));
    return { findings: [ok('home', `${home}, installation ${installation ?? 'of an earlier version'}`)], installation };
  } catch (error) {
    const next = 'Restore store/installation.json from a copy.';
    return { findings: [fault('home', reasonOf(error), next)], installation: undefined };
  }
}

/** Whether others than the user and the group of wds may look into the home: a home of before may allow it. undefined: there is none. */
export async function permissionsFinding(home: string): Promise<Finding | undefined> {
  const paths = [home, join(home, 'store'), join(home, 'reports')];
  const modes = await Promise.all(paths.map(async (path) => (await stat(path).catch(() => undefined))?.mode ?? 0));
  // Whoever may not enter the home may enter nothing in it.
  if (process.platform === 'win32' || ((modes[0] ?? 0) & 0o007) === 0) return undefined;
  if (modes.slice(1).every((mode) => (mode & 0o007) === 0)) return undefined;
  const next = `It holds users and messages. Let them not: chmod -R o-rwx ${home}`;
  return warning('home', `${home} can be read by every user of this machine`, next);
}

async function denial(path: string): Promise<string | undefined> {
  return access(path, R_OK | W_OK | X_OK).then(
    () => undefined,
    (error: unknown) => reasonOf(error),
  );
}

export async function inboxFinding(inbox: string): Promise<Finding> {
  const stats = await stat(inbox).catch(() => undefined);
  if (stats === undefined) return ok('inbox', `${inbox}: not there; the watcher makes it`);
  if (!stats.isDirectory()) return fault('inbox', `${inbox} is no folder`, 'Move it away, or check the setting inbox.');
  const denied = await denial(inbox);
  if (denied !== undefined)
    return fault('inbox', `${inbox}: ${denied}`, 'Give the user of the watcher read and write permission.');
  for (const name of ['.wds', 'processed', 'rejected']) {
    const inside = await stat(join(inbox, name)).catch(() => undefined);
    if (inside === undefined || inside.dev === stats.dev) continue;
    const next = 'Files are claimed by renaming: unmount it, or make the inbox a folder of that file system.';
    return fault('inbox', `${join(inbox, name)} is on another file system`, next);
  }
  const waiting = (await readdir(inbox, { withFileTypes: true })).filter(
    (entry) => entry.isFile() && !entry.name.startsWith('.'),
  ).length;
  const files = waiting === 0 ? 'empty' : waiting === 1 ? '1 file lies in it' : `${waiting} files lie in it`;
  const type = SHARED_TYPES.get((await statfs(inbox)).type >>> 0);
  if (type === undefined) return ok('inbox', `${inbox}, ${files}`);
  const next =
    'Writers on other hosts cannot be seen: upload under another name (.part) and rename, which is always safe.';
  return warning('inbox', `${inbox}, ${files}, on ${type}`, next);
}
