/**
 * The folder of reports of one file at one endpoint. All files are written under temporary names and renamed at the end, `report.json`
 * last, so that whoever reads a report never sees half of one.
 */

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { WriteStream } from 'node:fs';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { Fault } from '../domain/failure.ts';
import { errnoOf } from '../thrown.ts';

/** Where the reports of a file are, below the reports folder: readable, and unique by the hash. */
export function reportFolderName(fileName: string, sha256: string, endpoint: string): string {
  const readable =
    fileName
      .replace(/[^\p{L}\p{N}._-]+/gu, '_')
      .replace(/^\.+/, '')
      .slice(0, 80) || 'file';
  return `${readable}-${sha256.slice(0, 8)}-${endpoint}`;
}

export class ReportFiles {
  readonly #folder: string;
  readonly #streams = new Map<string, WriteStream>();
  /** Two may write the same report at once: an attempt that was given up for dead, and a person who looks. */
  readonly #mark = randomUUID();
  readonly #temporary = (name: string): string => join(this.#folder, `.${name}.${this.#mark}.tmp`);

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(folder: string, headers: Readonly<Record<string, string>>): Promise<ReportFiles> {
    const files = new ReportFiles(folder);
    await mkdir(folder, { recursive: true }).catch((error: unknown) => Promise.reject(files.#fault('', error)));
    for (const [name, header] of Object.entries(headers)) {
      const stream = createWriteStream(files.#temporary(name));
      files.#streams.set(name, stream);
      // Faults surface at the next append or at the end; without a listener they would end the process.
      stream.on('error', () => undefined);
      if (header !== '') await files.append(name, header);
    }
    return files;
  }

  /** There is a report already, which this one is going to replace. */
  get replacesEarlier(): boolean {
    return existsSync(join(this.#folder, 'report.json'));
  }

  async append(name: string, text: string): Promise<void> {
    if (text === '') return;
    const stream = this.#streams.get(name);
    if (stream === undefined) throw new Error(`no report file ${name}`);
    if (stream.errored) throw this.#fault(name, stream.errored);
    if (!stream.write(text))
      await once(stream, 'drain').catch((error: unknown) => Promise.reject(this.#fault(name, error)));
  }

  /** Makes everything visible under its name, in the order in which the files were opened. */
  async publish(): Promise<void> {
    for (const [name, stream] of this.#streams) {
      try {
        stream.end();
        await finished(stream);
      } catch (error) {
        throw this.#fault(name, error);
      }
    }
    for (const name of this.#streams.keys()) {
      const done = rename(this.#temporary(name), join(this.#folder, name));
      await done.catch((error: unknown) => Promise.reject(this.#fault(name, error)));
    }
  }

  /** After a throw: nothing of the new report stays. */
  async discard(): Promise<void> {
    for (const [name, stream] of this.#streams) {
      stream.destroy();
      // Destroyed while it is being opened, it would still create its file.
      if (!stream.closed) await once(stream, 'close').catch(() => undefined);
      await rm(this.#temporary(name), { force: true });
    }
  }

  #fault(name: string, cause: unknown): Fault {
    const code = errnoOf(cause) ?? 'unknown error';
    return new Fault(
      'store',
      `cannot write ${join(this.#folder, name)}: ${code}`,
      'Check free space and permissions; the report is written again by itself.',
      { cause },
    );
  }
}
