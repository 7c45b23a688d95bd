/**
 * Who holds which file open for writing? One walk over /proc answers for all candidates at once. Linux only; elsewhere, and for
 * processes that deny a look, the answer names what could not be seen, so that the caller waits longer instead.
 *
 * A look never touches the file system of an unrelated file more than it must: the mode bits of the symbolic link
 * /proc/<pid>/fd/<n> already tell whether it is open for writing, and only such links are followed.
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readFile, stat, statfs } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isErrno } from '../thrown.ts';

export interface WriterSight {
  /** `fileIdentity`s of the candidates that some visible process holds open for writing. */
  readonly held: ReadonlySet<string>;
  /** Users with processes that denied a look: a file of theirs may have a hidden writer. */
  readonly hiddenUsers: ReadonlySet<number>;
  /** Processes of other users are hidden altogether (hidepid), or there is no /proc. */
  readonly othersHidden: boolean;
}

/** A file across all its names. */
export const fileIdentity = (file: { readonly dev: number; readonly ino: number }): string => `${file.dev}:${file.ino}`;

/** The walk yields to other work after this long. */
const SLICE_MS = 4;
const OWNER_MAY_WRITE = 0o200;
const ACCESS_MODE = 0o3;

/** `undefined`: gone, or not ours to see. */
function tryRead<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Programs that receive uploads in a process of the uploader's own user, and that nobody may look into. */
const UPLOAD_SERVERS = /sshd|sftp|ftpd|smbd|rsync|httpd|nginx/;

/**
 * The users for whom a process that denied a look may be writing: its real, effective, saved and file-system uid (a daemon that
 * dropped its rights shows as root in stat). A process of our own user hides only secrets, unless it is an upload server: login sessions and
 * key agents are always there, and must not slow down the intake.
 */
function usersServedBy(pid: string): number[] {
  const status = tryRead(() => readFileSync(`/proc/${pid}/status`, 'latin1')) ?? '';
  const uids = (/^Uid:\s*(.*)$/m.exec(status)?.[1] ?? '').split(/\s+/).filter(Boolean).map(Number);
  if (!uids.includes(process.geteuid?.() ?? -1)) return uids;
  const program = /^Name:\s*(.*)$/m.exec(status)?.[1] ?? '';
  const terminal = (tryRead(() => readFileSync(`/proc/${pid}/cmdline`, 'latin1')) ?? '').includes('@pts/');
  return UPLOAD_SERVERS.test(program) && !terminal ? uids : [];
}

async function holdsForWriting(pid: string, fd: string, candidates: ReadonlySet<string>): Promise<string | undefined> {
  const path = `/proc/${pid}/fd/${fd}`;
  const target = tryRead(() => readlinkSync(path));
  if (target === undefined || !target.startsWith('/')) return undefined;
  const identity = await stat(path).then(fileIdentity, () => undefined);
  if (identity === undefined || !candidates.has(identity)) return undefined;
  const info = await readFile(`/proc/${pid}/fdinfo/${fd}`, 'latin1').catch(() => undefined);
  if (info === undefined) return undefined;
  const flags = Number.parseInt(/^flags:\s*(\d+)/m.exec(info)?.[1] ?? '2', 8);
  return (flags & ACCESS_MODE) === 0 ? undefined : identity;
}

/** One walk over all processes. Processes that vanish meanwhile are no writers any more. Never throws. */
export async function findOpenWriters(candidates: ReadonlySet<string>): Promise<WriterSight> {
  const held = new Set<string>();
  const hiddenUsers = new Set<number>();
  const pids = tryRead(() => readdirSync('/proc'))?.filter((name) => /^\d+$/.test(name)) ?? [];
  let sliceEndsMs = performance.now() + SLICE_MS;
  for (const pid of pids) {
    let fds: string[];
    try {
      fds = readdirSync(`/proc/${pid}/fd`);
    } catch (error) {
      if (isErrno(error, 'EACCES', 'EPERM')) for (const user of usersServedBy(pid)) hiddenUsers.add(user);
      continue;
    }
    for (const fd of fds) {
      const link = tryRead(() => lstatSync(`/proc/${pid}/fd/${fd}`));
      if (link !== undefined && (link.mode & OWNER_MAY_WRITE) !== 0) {
        const identity = await holdsForWriting(pid, fd, candidates);
        if (identity !== undefined) held.add(identity);
      }
    }
    if (performance.now() >= sliceEndsMs) {
      await nextTurn();
      sliceEndsMs = performance.now() + SLICE_MS;
    }
  }
  return { held, hiddenUsers, othersHidden: !pids.includes('1') };
}

/** Whether a writer of a file that `uid` owns would have been seen. Root's own denied processes hide root's files only. */
export const writersSeen = (sight: WriterSight, uid: number): boolean =>
  !sight.hiddenUsers.has(uid) && !(sight.othersHidden && uid !== process.geteuid?.());

/** `f_type`s of statfs(2) whose files other hosts can write: NFS, SMB/CIFS, FUSE, 9p, Ceph, AFS, Lustre, GFS2, OCFS2, Coda, NCP, BeeGFS, GPFS. */
const SHARED_FILE_SYSTEMS = new Set([
  0x6969, 0xff534d42, 0xfe534d42, 0x517b, 0x65735546, 0x01021997, 0x00c36400, 0x5346414f, 0x6b414653, 0x0bd00bd0,
  0x01161970, 0x7461636f, 0x73757245, 0x564c, 0x19830326, 0x47504653,
]);

/** The PID namespace of the host itself (PROC_PID_INIT_INO in Linux' proc_ns.h). */
const HOST_PID_NAMESPACE = 'pid:[4026531836]';

/** Whether other hosts may write there, whose doings no event tells. False also where it cannot be asked. */
export async function isOnSharedFileSystem(folder: string): Promise<boolean> {
  return process.platform === 'linux' && (await isShared(folder).catch(() => false));
}

/** Throws what statfs throws. */
const isShared = async (folder: string): Promise<boolean> =>
  SHARED_FILE_SYSTEMS.has(Number(BigInt.asUintN(32, BigInt((await statfs(folder)).type))));

/**
 * Whether all writers of a folder run where this process could see them: not on a network mount, and in a container only if the
 * folder is part of the container's own root file system (a volume may have writers in other containers).
 */
export async function folderWritersAreLocal(folder: string): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  try {
    if (await isShared(folder)) return false;
    const inContainer = tryRead(() => readlinkSync('/proc/self/ns/pid')) !== HOST_PID_NAMESPACE;
    return !inContainer || (await stat(folder)).dev === (await stat('/')).dev;
  } catch {
    return false;
  }
}
