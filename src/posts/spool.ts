/**
 * Gathers posted alerts into files. Many posts share one write and one sync of the disk: all that come while one is under way go with the
 * next. A file holds a user at most once, so the next alert for a user goes into the next file; several are open side by side. A file is
 * handed to the inbox, by a rename, when it is old or large enough.
 *
 * Steps of one round, which never overlap: write, sync, look whether this process still owns its folder, mark the keys, acknowledge, hand over.
 */
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Entrance } from '../intake/entrance.ts';
import type { SidecarKind } from '../intake/sidecars.ts';
import { vouchFor } from '../intake/uploads.ts';
import { syncFolder } from '../store/durable-write.ts';
import { isErrno, reasonOf } from '../thrown.ts';
import { GatheredFile } from './gathered-file.ts';
import type { Alert, RowNames } from './gathered-row.ts';
import { gatheredRow } from './gathered-row.ts';

export const GATHERED_PREFIX = 'posts-';
const MAX_ROWS = 5_000;
const MAX_BYTES = 8 * 1024 * 1024;
/** Files open side by side beyond which all are handed over before more is taken. */
const MAX_OPEN = 64;
const AGAIN_MS = 1_000;

export interface SpooledPost {
  readonly id: string;
  readonly alerts: readonly Alert[];
  /** The claim of its idempotency key. */
  readonly key: string | undefined;
  /** Called when it is on the disk, before anybody is told and before its file is handed over; again where it threw. */
  readonly onDisk: () => Promise<void>;
}

export interface SpoolOptions {
  readonly entrance: Entrance;
  readonly names: RowNames;
  readonly gatherMs: number;
  readonly sidecar: SidecarKind;
  readonly nowMs: () => number;
  readonly handedOver: (file: { readonly name: string; readonly alerts: number }) => void;
  readonly failed: (reason: string) => void;
}

/** The post was not taken; the same may be tried again. */
export class NotTaken extends Error {
  /** Nothing of it can be on its way. */
  readonly nothingLeft: boolean;

  constructor(message: string, nothingLeft: boolean) {
    super(message);
    this.name = 'NotTaken';
    this.nothingLeft = nothingLeft;
  }
}

interface Waiting {
  readonly post: SpooledPost;
  readonly taken: (files: readonly string[]) => void;
  readonly refused: (error: NotTaken) => void;
}

/** What one round writes into a file. */
interface Addition {
  readonly beforeBytes: number;
  rows: string;
}

export class Spool {
  readonly #options: SpoolOptions;
  #waiting: Waiting[] = [];
  #open: GatheredFile[] = [];
  /** To be handed over as soon as that works. */
  #ended: GatheredFile[] = [];
  /** Must be done before any file is handed over. */
  #unmarked: SpooledPost['onDisk'][] = [];
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sequence = 0;
  #closing = false;

  constructor(options: SpoolOptions) {
    this.#options = options;
  }

  /** Resolves with the names of the files that the alerts are in, once they are on the disk. Rejects with NotTaken. */
  append(post: SpooledPost): Promise<readonly string[]> {
    if (this.#closing) return Promise.reject(new NotTaken('the API is being stopped', true));
    return new Promise((taken, refused) => {
      this.#waiting.push({ post, taken, refused });
      this.#run();
    });
  }

  /** Hands everything over that was taken. What cannot be, is left to the next process. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#running;
    clearTimeout(this.#timer);
    this.#endFiles(() => true);
    await this.#handOver();
  }

  #run(): void {
    this.#running ??= this.#rounds().finally(() => {
      this.#running = undefined;
      this.#setTimer();
    });
  }

  /** For the next file that is old enough, or for another try. */
  #setTimer(): void {
    clearTimeout(this.#timer);
    const { gatherMs, nowMs } = this.#options;
    const beganMs = Math.min(...this.#open.map((file) => file.beganMs));
    const waitMs = this.#ended.length > 0 ? AGAIN_MS : beganMs + gatherMs - nowMs();
    if (!this.#closing && Number.isFinite(waitMs)) this.#timer = setTimeout(() => this.#run(), Math.max(0, waitMs));
  }

  async #rounds(): Promise<void> {
    const { gatherMs, nowMs } = this.#options;
    do {
      // Posts of the same turn go together.
      await nextTurn();
      if (this.#waiting.length > 0) await this.#take();
      const dueMs = nowMs() - gatherMs;
      const isFull = this.#open.length >= MAX_OPEN;
      this.#endFiles(
        (file) =>
          isFull || file.failed || file.beganMs <= dueMs || file.users.size >= MAX_ROWS || file.sizeBytes >= MAX_BYTES,
      );
      await this.#handOver();
    } while (this.#waiting.length > 0);
  }

  async #take(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    const round: { readonly one: Waiting; readonly files: ReadonlySet<GatheredFile> }[] = [];
    const additions = new Map<GatheredFile, Addition>();
    try {
      while (round.length < waiting.length && this.#open.length < MAX_OPEN) {
        const one = waiting[round.length]!;
        round.push({ one, files: await this.#place(one.post, additions) });
      }
      const written = await Promise.allSettled([...additions].map(([file, { rows }]) => file.append(rows)));
      for (const one of written) if (one.status === 'rejected') throw one.reason;
    } catch (error) {
      // All of them: a file may hold parts of what another one does not.
      await this.#refuse(waiting, additions, reasonOf(error));
      return;
    }
    this.#waiting.unshift(...waiting.slice(round.length));
    // Whoever took this process for dead has read its files before this write, or after it.
    if (![...additions.keys()].every(({ path }) => existsSync(path))) {
      for (const { one } of round) one.refused(new NotTaken('this process was taken for dead', false));
      await this.#comeBack();
      return;
    }
    const marks = await Promise.allSettled(round.map(({ one }) => one.post.onDisk()));
    for (const [index, { one, files }] of round.entries()) {
      if (marks[index]?.status === 'rejected') this.#unmarked.push(one.post.onDisk);
      one.taken([...files].map(({ name }) => name));
    }
  }

  /** What was open is settled by another process; this one goes on in a new folder. */
  async #comeBack(): Promise<void> {
    const lost = this.#open;
    this.#open = [];
    await Promise.allSettled(lost.map((file) => file.end()));
    await this.#options.entrance.enter().catch((error: unknown) => this.#options.failed(reasonOf(error)));
  }

  async #place(post: SpooledPost, additions: Map<GatheredFile, Addition>): Promise<ReadonlySet<GatheredFile>> {
    const { id, alerts, key } = post;
    const files = new Set<GatheredFile>();
    for (const [index, alert] of alerts.entries()) {
      const file = await this.#fileFor(alert.userId);
      file.users.add(alert.userId);
      const row = gatheredRow(alert, this.#options.names, { post: id, part: index + 1, parts: alerts.length, key });
      const addition = additions.get(file) ?? { beforeBytes: file.sizeBytes, rows: '' };
      addition.rows += row;
      additions.set(file, addition);
      files.add(file);
    }
    return files;
  }

  /** The first that may hold the user: behind all that do. */
  async #fileFor(user: string): Promise<GatheredFile> {
    const last = this.#open.findLastIndex((file) => file.users.has(user));
    const next = this.#open[last + 1];
    if (next !== undefined) return next;
    const { entrance, nowMs } = this.#options;
    this.#sequence += 1;
    const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const name = `${GATHERED_PREFIX}${time}-${entrance.instance}-${this.#sequence}.ndjson`;
    const begun = await GatheredFile.begin(join(entrance.folder, name), name, nowMs());
    this.#open.push(begun);
    await syncFolder(entrance.folder);
    return begun;
  }

  async #refuse(
    refused: readonly Waiting[],
    additions: ReadonlyMap<GatheredFile, Addition>,
    reason: string,
  ): Promise<void> {
    this.#options.failed(reason);
    for (const [file, { beforeBytes }] of additions) file.giveUp(beforeBytes);
    const cut = await Promise.allSettled([...additions.keys()].map((file) => file.end()));
    const nothingLeft = cut.every(({ status }) => status === 'fulfilled');
    for (const one of refused) one.refused(new NotTaken(reason, nothingLeft));
  }

  #endFiles(which: (file: GatheredFile) => boolean): void {
    this.#ended.push(...this.#open.filter(which));
    this.#open = this.#open.filter((file) => !which(file));
  }

  /** What cannot be handed over now is tried again later. */
  async #handOver(): Promise<void> {
    if (this.#ended.length === 0) return;
    const { entrance, sidecar, handedOver, failed } = this.#options;
    try {
      for (let mark = this.#unmarked[0]; mark !== undefined; mark = this.#unmarked[0]) {
        await mark();
        this.#unmarked.shift();
      }
      for (let file = this.#ended[0]; file !== undefined; file = this.#ended[0]) {
        await file.end();
        await giveToInbox(entrance.inbox, file, sidecar);
        handedOver({ name: file.name, alerts: file.users.size });
        this.#ended.shift();
      }
    } catch (error) {
      failed(reasonOf(error));
    }
  }
}

/** A file whose name is nobody else's. One without content is removed; one that is gone has another holder. */
export async function giveToInbox(
  inbox: string,
  { path, name, sizeBytes }: { readonly path: string; readonly name: string; readonly sizeBytes: number },
  sidecar: SidecarKind,
): Promise<void> {
  if (sizeBytes === 0) {
    await rm(path, { force: true });
    return;
  }
  const target = join(inbox, name);
  try {
    await rename(path, target);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
    return;
  }
  await vouchFor(target, sidecar);
  await syncFolder(inbox);
}
