/**
 * The claim folders of an inbox: `<inbox>/.wds/claims/<instance>/<seq>-<priority>-<name>`. A claim is one rename within the inbox's file
 * system, so exactly one watcher wins a file; adopting a dead watcher's claim is one too. What is in a claim folder is owed: it stays
 * there until its workflow is known to have started, and then goes to `<inbox>/processed`.
 */
import { lstat, mkdir, open, readdir, rename, rm, rmdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FilePriority } from '../domain/contracts.ts';
import { Fault } from '../domain/failure.ts';
import { failpoint } from '../failpoint.ts';
import { isErrno } from '../thrown.ts';
import type { FilePlace } from './dropped-file.ts';
import { makeInboxFolder } from './inbox-modes.ts';
import {
  claimName,
  fittingName,
  PROCESSED_FOLDER,
  parseClaimName,
  processedName,
  STATE_FOLDER,
} from './inbox-names.ts';
import type { Alive, Heartbeat, WatcherIdentity } from './instance.ts';
import { ALIVE_FILE, DEAD_AFTER_MS, DeathWatch, HEARTBEAT_MS, parseAlive } from './instance.ts';
import { moveOverNothing } from './move.ts';
import type { OtherWatcher, Terms } from './terms.ts';

export class ClaimFolder {
  readonly #inbox: string;
  readonly #root: string;
  readonly #folder: string;
  readonly #deathWatch: DeathWatch;
  readonly deadAfterMs: number;
  #alive: Alive;
  #sequence = 0;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(inbox: string, identity: WatcherIdentity, deadAfterMs: number = DEAD_AFTER_MS) {
    this.#inbox = inbox;
    this.#root = join(inbox, STATE_FOLDER, 'claims');
    this.#folder = join(this.#root, identity.instance);
    this.#alive = identity;
    this.deadAfterMs = deadAfterMs;
    this.#deathWatch = new DeathWatch(identity, deadAfterMs);
  }

  get instance(): string {
    return this.#alive.instance;
  }

  /** Shows this watcher as alive from now on, with its terms. Throws what mkdir and write throw. */
  async show(terms: Terms | undefined, agreed: boolean): Promise<void> {
    this.#alive = { ...this.#alive, ...(terms === undefined ? {} : { terms, agreed }) };
    await this.#write();
    this.#heartbeat ??= setInterval(() => void this.#beat(), HEARTBEAT_MS).unref();
  }

  /** Whole at every instant: the others read it at any. */
  async #write(): Promise<void> {
    const path = join(this.#folder, ALIVE_FILE);
    await refuseLinks(join(this.#inbox, STATE_FOLDER), this.#root, join(this.#inbox, PROCESSED_FOLDER));
    await mkdir(this.#folder, { recursive: true });
    await writeFile(`${path}.new`, `${JSON.stringify(this.#alive)}\n`);
    await rename(`${path}.new`, path);
  }

  /** False: another watcher took this one for dead, and has its claims. */
  async isShown(): Promise<boolean> {
    return lstat(join(this.#folder, ALIVE_FILE)).then(
      () => true,
      (error: unknown) => !isErrno(error, 'ENOENT'),
    );
  }

  /** A failed beat is not fatal: at worst another watcher finishes the work as well, and staging and starting are idempotent. */
  async #beat(): Promise<void> {
    const now = new Date();
    await utimes(join(this.#folder, ALIVE_FILE), now, now).catch(() => undefined);
  }

  /** Moves a file into the claim folder, and returns its new path; undefined: it is gone, most likely to another watcher. */
  async claim(file: FilePlace): Promise<string | undefined> {
    const claimed = this.#nextPath(file.priority, file.name);
    try {
      await rename(file.path, claimed);
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error;
      // Also when the claim folder itself was removed: the next beat brings it back, the next scan the file.
      return undefined;
    }
    failpoint('arrival.claimed');
    return claimed;
  }

  /** Whether a claim is still this watcher's: another one that took it for dead has its claims, and finishes them. */
  async holds(claim: FilePlace): Promise<boolean> {
    return lstat(claim.path).then(
      () => true,
      (error: unknown) => {
        if (isErrno(error, 'ENOENT', 'ENOTDIR')) return false;
        throw error;
      },
    );
  }

  #nextPath(priority: FilePriority, name: string): string {
    this.#sequence += 1;
    return join(this.#folder, claimName(this.#sequence, priority, name));
  }

  /** Takes over what dead watchers have left. `nowMs` is monotonic. */
  async adopt(nowMs: number): Promise<FilePlace[]> {
    const adopted: FilePlace[] = [];
    for (const { life, instance } of await this.others(nowMs)) {
      if (life === 'gone') await this.#takeOver(join(this.#root, instance), adopted);
    }
    return adopted;
  }

  /** All other watchers that have a claim folder here. `nowMs` is monotonic. */
  async others(nowMs: number): Promise<OtherWatcher[]> {
    await refuseLinks(join(this.#inbox, STATE_FOLDER), this.#root);
    const instances = (await readdir(this.#root, { withFileTypes: true }))
      .filter((entry) => entry.isDirectory() && entry.name !== this.instance)
      .map((entry) => entry.name);
    this.#deathWatch.retain(new Set(instances));
    return Promise.all(instances.map((instance) => this.#observe(instance, nowMs)));
  }

  async #observe(instance: string, nowMs: number): Promise<OtherWatcher> {
    const heartbeat = await readHeartbeat(join(this.#root, instance));
    const life = this.#deathWatch.observe(instance, heartbeat, nowMs);
    const { pid, host, terms, agreed = false } = parseAlive(heartbeat.content ?? '');
    // Its time tells how long it was silent before it was seen, unless a clock was set: then that is at most not known.
    const ageMs = Math.max(0, Date.now() - heartbeat.mtimeMs);
    const silentMs = Math.max(this.#deathWatch.silentMs(instance), ageMs);
    return { instance, who: `process ${pid} on host ${host}`, life, terms, agreed, silentMs };
  }

  async #takeOver(folder: string, adopted: FilePlace[]): Promise<void> {
    const names = await readdir(folder).catch(() => []);
    for (const entry of names.sort()) {
      const claim = parseClaimName(entry);
      if (claim === undefined) continue;
      const path = this.#nextPath(claim.priority, claim.name);
      const won = await rename(join(folder, entry), path).then(
        () => true,
        () => false,
      );
      if (won) adopted.push({ path, ...claim });
    }
    await removeShown(folder);
  }

  /** Moves a claim's file to `processed`, over nothing, and returns its path there. undefined: another watcher has moved it. */
  async finish(claim: FilePlace, now: Date): Promise<string | undefined> {
    const folder = join(this.#inbox, PROCESSED_FOLDER);
    await refuseLinks(folder);
    await makeInboxFolder(this.#inbox, folder);
    const linked = await this.#linkIn(folder, claim);
    if (linked !== undefined) {
      await rm(claim.path, { force: true });
      return linked;
    }
    const moved = await moveOverNothing(claim.path, (copy) => join(folder, processedName(claim.name, now, copy)));
    // Nothing moved, and still there: it was the folder that vanished.
    if (moved === undefined && (await lstat(claim.path).catch(() => undefined)) !== undefined) {
      throw new Error(`${folder} is gone`);
    }
    return moved;
  }

  /** Where the file is in `processed`, if a watcher died after it had linked it there, and before it had removed the claim. */
  async #linkIn(folder: string, claim: FilePlace): Promise<string | undefined> {
    const own = await lstat(claim.path).catch(() => undefined);
    if (own === undefined || own.nlink < 2) return undefined;
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      const other = await lstat(path).catch(() => undefined);
      if (other?.ino === own.ino && other.dev === own.dev) return path;
    }
    return undefined;
  }

  /** Gives something that must not be read back to the folder that it came from. */
  async giveBack(claim: FilePlace, folder: string): Promise<void> {
    await moveOverNothing(claim.path, (copy) =>
      join(folder, copy === 1 ? claim.name : fittingName(`${copy}-`, claim.name)),
    );
  }

  /** Ends the proof of life: claims that are left may be adopted at once. */
  async close(): Promise<void> {
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
    await removeShown(this.#folder);
  }
}

/** A link would lead the files of an inbox to wherever its maker likes. Throws Fault `config`. */
export async function refuseLinks(...folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    const stats = await lstat(folder).catch(() => undefined);
    if (stats?.isSymbolicLink() !== true) continue;
    throw new Fault(
      'config',
      `${folder} is a symbolic link: wds keeps files of the inbox there, and only within the inbox`,
      'Remove the link; to keep them elsewhere, link or mount the inbox itself.',
    );
  }
}

async function removeShown(folder: string): Promise<void> {
  for (const name of [`${ALIVE_FILE}.new`, ALIVE_FILE]) {
    await rm(join(folder, name), { force: true }).catch(() => undefined);
  }
  await rmdir(folder).catch(() => undefined);
}

/** Of an instance, by its folder. */
export async function readHeartbeat(folder: string): Promise<Heartbeat> {
  try {
    // Opened, not just looked up: that makes a network file system ask its server instead of its cache.
    const handle = await open(join(folder, ALIVE_FILE), 'r');
    try {
      return { mtimeMs: (await handle.stat()).mtimeMs, content: await handle.readFile('utf8') };
    } finally {
      await handle.close();
    }
  } catch {
    return { mtimeMs: 0, content: undefined };
  }
}
