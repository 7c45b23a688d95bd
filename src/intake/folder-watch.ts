/** How a watcher learns that something has come, between two scans: by events, or by polling where there are none. */
import type { TellEvent } from './folder-events.ts';
import { FolderEvents } from './folder-events.ts';
import { FolderPolls } from './folder-polls.ts';
import { isOnSharedFileSystem } from './open-writers.ts';

/** `auto`: polling on file systems that other hosts write to, events elsewhere. `off`: scans alone. */
export type WatchKind = 'auto' | 'events' | 'poll' | 'off';

export class FolderWatch {
  readonly #kind: WatchKind;
  readonly #folder: string;
  readonly #events: FolderEvents;
  readonly #polls: FolderPolls;

  /** `begun`: as of FolderEvents. */
  constructor(folder: string, kind: WatchKind, tell: TellEvent, begun: () => void) {
    this.#kind = kind;
    this.#folder = folder;
    this.#events = new FolderEvents(folder, tell, begun);
    this.#polls = new FolderPolls(folder, tell);
  }

  /** Listens to the folder that now has this path, also after it was replaced. Never throws: the scans come all the same. */
  async ensure(): Promise<void> {
    if (this.#kind === 'off') return;
    const polls = this.#kind === 'poll' || (this.#kind === 'auto' && (await isOnSharedFileSystem(this.#folder)));
    // A mount may come into the place of a folder, and go.
    (polls ? this.#events : this.#polls).close();
    await (polls ? this.#polls : this.#events).ensure();
  }

  close(): void {
    this.#events.close();
    this.#polls.close();
  }
}
