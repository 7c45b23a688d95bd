/** What was uploaded just now, until the watcher has taken it: whoever asks for it at once is told that it is here. Of this process only. */
import type { z } from 'zod';
import type { fileStatus } from './schemas.ts';

/** The watcher takes a file within seconds; where none runs, this is true for as long. */
const MOST = 1_000;

interface ReceivedFile {
  readonly sha256: string;
  readonly name: string;
  /** One that it goes to. */
  readonly endpoint: string;
}

export class Received {
  readonly #files = new Map<string, ReceivedFile & { readonly at: Date }>();

  add(file: ReceivedFile): void {
    this.#files.delete(file.sha256);
    this.#files.set(file.sha256, { ...file, at: new Date() });
    const [oldest] = this.#files.keys();
    if (this.#files.size > MOST && oldest !== undefined) this.#files.delete(oldest);
  }

  /** By hash, or by name. */
  find(id: string): z.output<typeof fileStatus> | undefined {
    const found = this.#files.get(id) ?? [...this.#files.values()].findLast(({ name }) => name === id);
    if (found === undefined) return undefined;
    const none = { rows: 0, alerts: 0, delivered: 0, rejected: 0, undelivered: 0, unconfirmed: 0 };
    return {
      file: found.name,
      sha256: found.sha256,
      workflowId: `file-${found.sha256}-${found.endpoint}`,
      endpoint: found.endpoint,
      state: 'received',
      ...none,
      ...{ invalid: 0, duplicates: 0, pending: 0 },
      seconds: Math.max(0, Date.now() - found.at.getTime()) / 1_000,
      startedAt: found.at.toISOString(),
    };
  }
}
