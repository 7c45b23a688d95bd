/**
 * The folder of one API process in an inbox, `<inbox>/.wds/entrances/<instance>`: uploads that are being written, and posts that are being
 * gathered. It is on the inbox's file system, so that what is whole is handed over by a rename. Each process shows that it lives, as the
 * watchers do (instance.ts). A folder whose process is gone is taken over by one rename, `<instance>~<new holder>`, so exactly one of the
 * others settles what is in it. A process that was only stopped finds its folder gone, may acknowledge nothing that it wrote there, and makes
 * another one.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../store/durable-write.ts';
import { readHeartbeat, refuseLinks } from './claim-folder.ts';
import { STATE_FOLDER } from './inbox-names.ts';
import type { WatcherIdentity } from './instance.ts';
import { ALIVE_FILE, DeathWatch, HEARTBEAT_MS, newIdentity } from './instance.ts';

const HELD_BY = '~';

export class Entrance {
  readonly inbox: string;
  readonly #root: string;
  readonly #deathWatch: DeathWatch;
  #identity: WatcherIdentity;
  #heartbeat: NodeJS.Timeout | undefined;

  /** `deadAfterMs`: silence after which a process of another host counts as dead. Default 10 s. */
  constructor(inbox: string, deadAfterMs?: number) {
    this.inbox = inbox;
    this.#root = join(inbox, STATE_FOLDER, 'entrances');
    this.#identity = newIdentity();
    this.#deathWatch = new DeathWatch(this.#identity, deadAfterMs);
  }

  get instance(): string {
    return this.#identity.instance;
  }

  get folder(): string {
    return join(this.#root, this.instance);
  }

  /** Makes the folder, or another one where it was taken over. Throws what mkdir and write throw; Fault `config` where there is a link. */
  async enter(): Promise<void> {
    if (existsSync(join(this.folder, ALIVE_FILE))) return;
    if (this.#heartbeat !== undefined) this.#identity = newIdentity();
    await refuseLinks(join(this.inbox, STATE_FOLDER), this.#root);
    await mkdir(this.folder, { recursive: true });
    await writeFile(join(this.folder, ALIVE_FILE), `${JSON.stringify(this.#identity)}\n`);
    await syncFolder(this.#root);
    this.#heartbeat ??= setInterval(() => void this.#beat(), HEARTBEAT_MS).unref();
  }

  async #beat(): Promise<void> {
    const now = new Date();
    await utimes(join(this.folder, ALIVE_FILE), now, now).catch(() => this.enter().catch(() => undefined));
  }

  /** The folders of processes that are gone, which are now this one's to settle and to remove. `nowMs` is monotonic. */
  async takeOver(nowMs: number): Promise<string[]> {
    const names = await this.#list();
    const taken: string[] = [];
    for (const name of names) {
      const [instance = '', holder] = name.split(HELD_BY);
      if (instance === this.instance) continue;
      // Settling it has failed before.
      if (holder === this.instance) taken.push(join(this.#root, name));
      if (holder === this.instance) continue;
      // What another one has taken over is its own as long as it lives.
      if (holder !== undefined ? names.includes(holder) : !(await this.#isGone(instance, nowMs))) continue;
      const path = join(this.#root, `${instance}${HELD_BY}${this.instance}`);
      const won = await rename(join(this.#root, name), path).then(
        () => true,
        () => false,
      );
      if (won) taken.push(path);
    }
    return taken;
  }

  async #isGone(instance: string, nowMs: number): Promise<boolean> {
    const heartbeat = await readHeartbeat(join(this.#root, instance));
    return this.#deathWatch.observe(instance, heartbeat, nowMs) === 'gone';
  }

  /** Whether a process has ended, and what it had is settled. */
  async isOver(instance: string): Promise<boolean> {
    return !(await this.#list()).some((name) => name.split(HELD_BY)[0] === instance);
  }

  /** Ends the proof of life. What is left in the folder is settled by others. */
  async close(): Promise<void> {
    clearInterval(this.#heartbeat);
    await rm(join(this.folder, ALIVE_FILE), { force: true });
    const left = await readdir(this.folder).catch(() => []);
    if (left.length === 0) await rm(this.folder, { recursive: true, force: true });
  }

  async #list(): Promise<string[]> {
    const entries = await readdir(this.#root, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  }
}
