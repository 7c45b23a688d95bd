/**
 * Looks at a folder once a second whether anything has come or gone, where no event says so: on network mounts. chokidar polls, and is told to watch the
 * folder alone: all that is in it is ignored, so there is no watch a file. What has changed is not told, only that something has.
 */
import { stat } from 'node:fs/promises';
import type { FSWatcher } from 'chokidar';
import type { TellEvent } from './folder-events.ts';

const POLL_MS = 1_000;

export class FolderPolls {
  readonly #folder: string;
  readonly #tell: TellEvent;
  #watcher: FSWatcher | undefined;

  constructor(folder: string, tell: TellEvent) {
    this.#folder = folder;
    this.#tell = tell;
  }

  /** Begins to look, once the folder is there. It is looked at by its path: another one in its place is seen, too. Never throws. */
  async ensure(): Promise<void> {
    if (this.#watcher !== undefined) return;
    const folder = this.#folder;
    if ((await stat(folder).catch(() => undefined)) === undefined) return;
    const ignored = (path: string): boolean => path !== folder;
    const alone = { depth: 0, ignored, ignoreInitial: true, persistent: false };
    // Loaded where it is needed: most inboxes are local.
    const { watch } = await import('chokidar');
    if (this.#watcher !== undefined) return;
    const watcher = watch(folder, { ...alone, usePolling: true, interval: POLL_MS });
    this.#watcher = watcher;
    watcher.on('raw', () => this.#tell('rename', undefined));
    // Where it cannot be looked at the scans go on.
    watcher.on('error', () => undefined);
    watcher.on('ready', () => {
      // It was gone before it was looked at for the first time: chokidar does not look again.
      if (watcher === this.#watcher && !(folder in watcher.getWatched())) this.close();
    });
  }

  close(): void {
    void this.#watcher?.close();
    this.#watcher = undefined;
  }
}
