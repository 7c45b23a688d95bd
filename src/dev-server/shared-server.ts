/**
 * One use of the dev server of a home: keeps it running for as long as the use lasts, and ends it if the use was the last one. Each user
 * looks after the server; the lock sees to it that one of them starts it again.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../domain/failure.ts';
import { stopServer } from './dev-server-process.ts';
import { findServer, withServerLock } from './find-server.ts';
import { isRunning, seemsRunning } from './process-identity.ts';
import { LockTaken } from './process-lock.ts';
import type { ServerRecord } from './server-file.ts';
import { readServerRecord, removeServerRecord } from './server-file.ts';
import type { ServerUser } from './server-users.ts';
import { endWatchdog, livingUsers } from './server-users.ts';
import type { StartedServer, StartOptions } from './start-server.ts';
import { startServer } from './start-server.ts';

const LOOK_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** A port that somebody else has taken may become free again; then no client notices. */
const SAME_PORT_MS = 10_000;
/** Whoever holds the lock for longer is starting the server, and uses it. */
const LEAVE_LIMIT_MS = 20_000;

export interface SharedServerParts {
  readonly home: string;
  readonly options: StartOptions & { readonly log: (text: string) => void };
  readonly user: ServerUser;
  readonly findCli: () => Promise<string>;
}

export class SharedServer {
  /** host:port of the gRPC service. */
  readonly address: string;
  readonly uiUrl: string;
  /** It did not run before. */
  readonly startedHere: boolean;
  /** Resolves if ever the server has to move to another address, with what to tell the person. */
  readonly moved: Promise<Fault>;
  readonly #parts: SharedServerParts;
  readonly #stopping = new AbortController();
  readonly #guard: Promise<void>;
  #tellMoved: (fault: Fault) => void = () => undefined;
  #record: ServerRecord;
  /** Why the process that we started ended. */
  #end: string | undefined;
  #stopped: Promise<void> | undefined;

  constructor(parts: SharedServerParts, { record, ended }: Partial<StartedServer> & Pick<StartedServer, 'record'>) {
    this.#parts = parts;
    this.#record = record;
    this.address = record.address;
    this.uiUrl = record.uiUrl;
    this.startedHere = ended !== undefined;
    this.moved = new Promise((resolve) => {
      this.#tellMoved = resolve;
    });
    this.#watch(ended);
    this.#guard = this.#lookAfter();
  }

  /** The server's process; another one after a restart. */
  get pid(): number {
    return this.#record.pid;
  }

  /**
   * Ends this use, and the server if this was its last: call it after the workers have drained. Further calls do nothing. `limitMs`: how long the server
   * may take until it is killed; less than usual for one that hangs.
   */
  stop(limitMs?: number): Promise<void> {
    this.#stopped ??= this.#stop(limitMs);
    return this.#stopped;
  }

  #watch(ended: Promise<string> | undefined): void {
    ended?.then((reason) => {
      this.#end = reason;
    });
  }

  async #lookAfter(): Promise<void> {
    const { signal } = this.#stopping;
    const pause = (ms: number): Promise<void> => sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
    let pauseMs = LOOK_MS;
    let missingSinceMs: number | undefined;
    for (await pause(LOOK_MS); !signal.aborted; await pause(pauseMs)) {
      pauseMs = LOOK_MS;
      if (seemsRunning(this.#record.server)) {
        missingSinceMs = undefined;
        continue;
      }
      missingSinceMs ??= performance.now();
      try {
        await this.#bringBack(performance.now() - missingSinceMs > SAME_PORT_MS);
      } catch (error) {
        if (signal.aborted) return;
        // A full disk, or a port that somebody took meanwhile, may pass: it is tried until it works, or all is stopped.
        this.#parts.options.log((error as Error).message);
        pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      }
    }
  }

  async #bringBack(elsewhere: boolean): Promise<void> {
    const { home, options, user, findCli } = this.#parts;
    const { signal } = this.#stopping;
    const executable = await findCli();
    await withServerLock(home, async () => {
      if (signal.aborted) return;
      const found = await findServer(home);
      if (found !== undefined) {
        this.#take(found);
        return;
      }
      const reason = this.#end === undefined ? '' : ` (${this.#end})`;
      options.log(`the Temporal dev server ended${reason}; starting it again. Its log: ${join(home, 'temporal.log')}`);
      const again = elsewhere ? {} : { again: this.#record };
      const started = await startServer({ home, executable, options, user, signal, ...again });
      this.#end = undefined;
      this.#watch(started.ended);
      this.#take(started.record);
    });
  }

  #take(record: ServerRecord): void {
    this.#record = record;
    this.#parts.user.hold();
    if (record.address === this.address) return;
    this.#tellMoved(
      new Fault(
        'temporal_unreachable',
        `the Temporal dev server had to move from ${this.address} to ${record.address}: another program has its port`,
        'Start this command again: it finds the new address by itself, and everything goes on.',
      ),
    );
  }

  async #stop(limitMs: number | undefined): Promise<void> {
    const { home, user } = this.#parts;
    this.#stopping.abort();
    await this.#guard;
    try {
      await withServerLock(home, () => this.#leave(limitMs), { limitMs: LEAVE_LIMIT_MS });
    } catch (error) {
      await user.leave();
      if (!(error instanceof LockTaken)) throw error;
    }
  }

  async #leave(limitMs: number | undefined): Promise<void> {
    const { home, user } = this.#parts;
    const record = await readServerRecord(home);
    const others = (await livingUsers(home)).length > 1 || (record?.mark === undefined && isForeign(record));
    if (!others && record !== undefined) {
      await stopServer(record.server, 0, limitMs);
      endWatchdog(record.watchdog);
      await removeServerRecord(home);
    }
    await user.leave();
  }
}

/** Of an earlier version, whose owner ends it. */
const isForeign = (record: ServerRecord | undefined): boolean =>
  record !== undefined && record.owner.pid !== process.pid && isRunning(record.owner);
