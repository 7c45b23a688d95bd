/** The connection by which the workers of a process poll. It can be replaced while they run, as that of clients (renewable-connection.ts). */
import type { NativeConnection, Worker } from '@temporalio/worker';
import type { TemporalTarget } from './connection.ts';
import { connectNative } from './connection.ts';

export class WorkerConnection {
  #native: NativeConnection;
  readonly #workers = new Set<Worker>();

  private constructor(native: NativeConnection) {
    this.#native = native;
  }

  /** Throws Fault `temporal_unreachable`. */
  static async open(target: TemporalTarget): Promise<WorkerConnection> {
    return new WorkerConnection(await connectNative(target));
  }

  get native(): NativeConnection {
    return this.#native;
  }

  /** A worker that was made with it, until it has ended. */
  async whileRuns(worker: Worker, ended: Promise<void>): Promise<void> {
    this.#workers.add(worker);
    // One that was made just before the replacement.
    worker.connection = this.#native;
    await ended.catch(() => undefined);
    this.#workers.delete(worker);
  }

  /** Workers poll by another one from now on. Throws as `open` does, and then nothing has changed. */
  async renew(target: TemporalTarget): Promise<void> {
    const next = await connectNative(target);
    const before = this.#native;
    this.#native = next;
    for (const worker of this.#workers) worker.connection = next;
    await before.close();
  }

  setApiKey(key: string): Promise<void> {
    return this.#native.setApiKey(key);
  }

  close(): Promise<void> {
    return this.#native.close();
  }
}
