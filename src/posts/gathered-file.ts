/**
 * One gathered file while it grows, in the folder of its API process. It holds a user at most once. What `append` has taken is on the disk;
 * where a write fails, the file is cut back to what counts before it is handed over.
 */
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { FILE_START } from './gathered-row.ts';

export class GatheredFile {
  readonly path: string;
  readonly name: string;
  /** Monotonic. */
  readonly beganMs: number;
  readonly users = new Set<string>();
  readonly #handle: FileHandle;
  #counts = 0;
  #failed = false;
  #closed = false;

  private constructor(path: string, name: string, beganMs: number, handle: FileHandle) {
    this.path = path;
    this.name = name;
    this.beganMs = beganMs;
    this.#handle = handle;
  }

  static async begin(path: string, name: string, beganMs: number): Promise<GatheredFile> {
    return new GatheredFile(path, name, beganMs, await open(path, 'wx'));
  }

  get sizeBytes(): number {
    return this.#counts;
  }
  /** Nothing may be added any more. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Appends rows and waits until they are on the disk. */
  async append(rows: string): Promise<void> {
    const bytes = Buffer.from(this.#counts === 0 ? FILE_START + rows : rows);
    await this.#handle.appendFile(bytes);
    await this.#handle.datasync();
    this.#counts += bytes.length;
  }

  /** What was added beyond `sizeBytes` does not count; it is cut off at the end. */
  giveUp(sizeBytes: number): void {
    this.#counts = sizeBytes;
    this.#failed = true;
  }

  /** Nothing is written any more; the file holds what counts, and nothing else. May be called again, also after a throw. */
  async end(): Promise<void> {
    if (this.#closed) return;
    if (this.#failed) {
      await this.#handle.truncate(this.#counts);
      await this.#handle.datasync();
    }
    this.#closed = true;
    await this.#handle.close();
  }
}

/** Whether a dropped file is one that posts were gathered into, by its name. */
export const isGathered = (name: string): boolean => /^posts-.+-.+-\d+\.ndjson$/.test(name);
