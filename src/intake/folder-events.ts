/**
 * The operating system's word that something happened in a folder. A hint only: events get lost without a word (the kernel's queue
 * holds 16,384), and network mounts send none. Node's own watch: one handle for the folder, where chokidar takes one for every file in it.
 */
import type { FSWatcher } from 'node:fs';
import { watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';

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
      const watcher = watch(this.#folder, { persistent: false }, (event, name) => this.#told(watcher, event, name));
      this.#watcher = watcher;
      watcher.on('error', () => this.close());
      this.#ino = ino;
    } catch {
      // Out of watches (fs.inotify.max_user_watches) or not supported here.
    }
  }

  /**
   * A `rename` of the folder's own name says that it was removed or moved, and a watcher of what is gone says nothing any more, though the next folder
   * may be given the same number: it is made anew, with the scan that is asked for. (Where that was a file of the same name in it, once too often.)
   */
  #told(watcher: FSWatcher, what: 'rename' | 'change', name: string | null): void {
    const isItself = what === 'rename' && name === basename(this.#folder);
    if (isItself && watcher === this.#watcher) this.close();
    this.#tell(what, isItself ? undefined : (name ?? undefined));
    if (isItself && name !== null) this.#tell(what, name);
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#ino = undefined;
  }
}
