/**
 * The operating system's word that something happened in a folder. A hint only: events get lost without a word (the kernel's queue
 * holds 16,384), and network mounts send none. Node's own watch: one handle for the folder, where chokidar takes one for every file in it.
 */
import type { FSWatcher } from 'node:fs';
import { watch } from 'node:fs';
import { stat } from 'node:fs/promises';

/** The name of the entry that something happened to; undefined: some entry. */
export type TellEvent = (what: 'rename' | 'change', name: string | undefined) => void;

export class FolderEvents {
  readonly #folder: string;
  readonly #tell: TellEvent;
  readonly #begun: () => void;
  #watcher: FSWatcher | undefined;
  #ino: number | undefined;

  /** `begun`: the listening begins, or begins anew; what happened before is not told. */
  constructor(folder: string, tell: TellEvent, begun: () => void) {
    this.#folder = folder;
    this.#tell = tell;
    this.#begun = begun;
  }

  /** Listens to the folder that now has this path, also after it was replaced. Never throws: without events the scans still come. */
  async ensure(): Promise<void> {
    const ino = (await stat(this.#folder).catch(() => undefined))?.ino;
    if (this.#watcher !== undefined && ino === this.#ino) return;
    this.close();
    if (ino === undefined) return;
    try {
      this.#begun();
      this.#watcher = watch(this.#folder, { persistent: false }, (event, name) => this.#tell(event, name ?? undefined));
      this.#watcher.on('error', () => this.close());
      this.#ino = ino;
    } catch {
      // Out of watches (fs.inotify.max_user_watches) or not supported here.
    }
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#ino = undefined;
  }
}
