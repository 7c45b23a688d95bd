/**
 * The claim folders of an inbox: `<inbox>/.wds/claims/<instance>/<seq>-<priority>-<name>`. A claim is one rename within the inbox's file
 * system, so exactly one watcher wins a file; adopting a dead watcher's claim is one too. What is in a claim folder is owed: it stays
 * there until its workflow is known to have started, and then goes to `<inbox>/processed`.
 */
import { mkdir, open, readdir, rename, rm, rmdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failpoint } from '../failpoint.ts';
import type { Priority } from './inbox-names.ts';
import {
  claimName,
  fittingName,
  PROCESSED_FOLDER,
  parseClaimName,
  processedName,
  STATE_FOLDER,
} from './inbox-names.ts';
import type { Heartbeat, WatcherIdentity } from './instance.ts';
import { ALIVE_FILE, DEAD_AFTER_MS, DeathWatch, HEARTBEAT_MS } from './instance.ts';

export interface ClaimPlace {
  readonly path: string;
  readonly name: string;
  readonly priority: Priority;
}

const isErrno = (error: unknown, ...codes: string[]): boolean =>
  codes.includes((error as NodeJS.ErrnoException)?.code ?? '');

export class Claims {
  readonly #inbox: string;
  readonly #root: string;
  readonly #folder: string;
  readonly #identity: WatcherIdentity;
  readonly #deathWatch: DeathWatch;
  #sequence = 0;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(inbox: string, identity: WatcherIdentity, deadAfterMs: number = DEAD_AFTER_MS) {
    this.#inbox = inbox;
    this.#root = join(inbox, STATE_FOLDER, 'claims');
    this.#folder = join(this.#root, identity.instance);
    this.#identity = identity;
    this.#deathWatch = new DeathWatch(identity, deadAfterMs);
  }

  /** Shows this watcher as alive from now on. Throws what mkdir and write throw. */
  async open(): Promise<void> {
    await this.#announce();
    this.#heartbeat = setInterval(() => void this.#beat(), HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  async #announce(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    await writeFile(join(this.#folder, ALIVE_FILE), `${JSON.stringify(this.#identity)}\n`);
  }

  /** A failed beat is not fatal: at worst another watcher finishes the work as well, and staging and starting are idempotent. */
  async #beat(): Promise<void> {
    const now = new Date();
    await utimes(join(this.#folder, ALIVE_FILE), now, now).catch((error: unknown) =>
      isErrno(error, 'ENOENT') ? this.#announce().catch(() => undefined) : undefined,
    );
  }

  /** Moves a file into the claim folder; undefined: it is gone, most likely to another watcher. */
  async claim(path: string, name: string, priority: Priority): Promise<ClaimPlace | undefined> {
    const claimed = this.#nextPath(priority, name);
    try {
      await rename(path, claimed);
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error;
      // Also when the claim folder itself was removed: the next beat brings it back, the next scan the file.
      return undefined;
    }
    failpoint('arrival.claimed');
    return { path: claimed, name, priority };
  }

  #nextPath(priority: Priority, name: string): string {
    this.#sequence += 1;
    return join(this.#folder, claimName(this.#sequence, priority, name));
  }

  /** Takes over what dead watchers have left. `nowMs` is monotonic. */
  async adopt(nowMs: number): Promise<ClaimPlace[]> {
    const others = (await readdir(this.#root, { withFileTypes: true }))
      .filter((entry) => entry.isDirectory() && entry.name !== this.#identity.instance)
      .map((entry) => entry.name);
    this.#deathWatch.retain(new Set(others));
    const adopted: ClaimPlace[] = [];
    for (const other of others) {
      const folder = join(this.#root, other);
      if (this.#deathWatch.observe(other, await readHeartbeat(folder), nowMs)) await this.#takeOver(folder, adopted);
    }
    return adopted;
  }

  async #takeOver(folder: string, adopted: ClaimPlace[]): Promise<void> {
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
    await rm(join(folder, ALIVE_FILE), { force: true }).catch(() => undefined);
    await rmdir(folder).catch(() => undefined);
  }

  /** Moves a claim's file to `processed`, over nothing. Returns the new path; undefined: another watcher has moved it. */
  async finish(claim: ClaimPlace, now: Date): Promise<string | undefined> {
    const folder = join(this.#inbox, PROCESSED_FOLDER);
    await mkdir(folder, { recursive: true });
    return this.#moveOver(claim.path, (copy) => join(folder, processedName(claim.name, now, copy)));
  }

  /** Gives something that must not be read back to the folder that it came from. */
  async giveBack(claim: ClaimPlace, folder: string): Promise<void> {
    await this.#moveOver(claim.path, (copy) =>
      join(folder, copy === 1 ? claim.name : fittingName(`${copy}-`, claim.name)),
    );
  }

  /** Reserves the target with an empty file of its own, so that the rename can only replace that. */
  async #moveOver(from: string, target: (copy: number) => string): Promise<string | undefined> {
    for (let copy = 1; ; copy += 1) {
      const to = target(copy);
      try {
        await (await open(to, 'wx')).close();
      } catch (error) {
        if (isErrno(error, 'EEXIST')) continue;
        throw error;
      }
      try {
        await rename(from, to);
        return to;
      } catch (error) {
        await rm(to, { force: true });
        if (isErrno(error, 'ENOENT')) return undefined;
        throw error;
      }
    }
  }

  /** Ends the proof of life: claims that are left may be adopted at once. */
  async close(): Promise<void> {
    clearInterval(this.#heartbeat);
    await rm(join(this.#folder, ALIVE_FILE), { force: true }).catch(() => undefined);
    await rmdir(this.#folder).catch(() => undefined);
  }
}

async function readHeartbeat(folder: string): Promise<Heartbeat> {
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
