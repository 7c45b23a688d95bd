/** The files of a report while they are being written: in a folder, each with its header. */
import { once } from 'node:events';
import type { WriteStream } from 'node:fs';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { storeFault } from './store-fault.ts';

export class ReportDrafts {
  /** In the order of their headers. */
  readonly names: readonly string[];
  readonly #folder: string;
  /** Where people will look for them. */
  readonly #place: string;
  readonly #streams = new Map<string, WriteStream>();

  /** `headers`: the first line of each file. */
  constructor(folder: string, place: string, headers: Readonly<Record<string, string>>) {
    this.#folder = folder;
    this.#place = place;
    this.names = Object.keys(headers);
    for (const [name, header] of Object.entries(headers)) {
      const stream = createWriteStream(this.pathOf(name), { flush: true });
      // Faults surface at the next append or at the end; without a listener they would end the process.
      stream.on('error', () => undefined);
      this.#streams.set(name, stream);
      stream.write(header);
    }
  }

  pathOf(name: string): string {
    return join(this.#folder, name);
  }

  async append(name: string, text: string): Promise<void> {
    if (text === '') return;
    const stream = this.#streams.get(name);
    if (stream === undefined) throw new Error(`no report file ${name}`);
    if (stream.errored) throw this.#fault(name, stream.errored);
    if (stream.write(text)) return;
    await once(stream, 'drain').catch((error: unknown) => Promise.reject(this.#fault(name, error)));
  }

  /** Resolves when all of them are whole, and on the disk. */
  async end(): Promise<void> {
    await Promise.all([...this.#streams].map(([name, stream]) => this.#end(name, stream)));
  }

  async #end(name: string, stream: WriteStream): Promise<void> {
    try {
      stream.end();
      if (!stream.closed) await once(stream, 'close');
      if (stream.errored) throw stream.errored;
    } catch (error) {
      throw this.#fault(name, error);
    }
  }

  /** Resolves when nothing is written any more; what was is left to whoever has made the folder. */
  async stop(): Promise<void> {
    for (const stream of this.#streams.values()) {
      stream.destroy();
      // Destroyed while it is being opened, it would still create its file.
      if (!stream.closed) await once(stream, 'close').catch(() => undefined);
    }
  }

  #fault(name: string, error: unknown): Error {
    return storeFault('write', join(this.#place, name), error);
  }
}
