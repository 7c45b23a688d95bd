/** Lets a watcher into an inbox, or refuses it: announce first, then look, and look again while it is not clear. */
import { lstat } from 'node:fs/promises';
import { Fault } from '../domain/failure.ts';
import type { ClaimFolder } from './claim-folder.ts';
import type { Say } from './log.ts';
import type { OtherWatcher, Terms } from './terms.ts';
import { judgeTerms } from './terms.ts';

const LOOK_MS = 200;

export interface EntryOptions {
  readonly inbox: string;
  readonly claimFolder: ClaimFolder;
  /** undefined: any may watch. */
  readonly terms: Terms | undefined;
  readonly say: Say;
  readonly nowMs: () => number;
  /** Waits; cut short when the watcher is closed. */
  readonly pause: (ms: number) => Promise<void>;
  readonly isClosing: () => boolean;
}

export class InboxEntry {
  readonly #options: EntryOptions;

  constructor(options: EntryOptions) {
    this.#options = options;
  }

  /** Resolves when this watcher may take files, or is closed. Throws Fault `config` where another one watches with other terms. */
  async enter(): Promise<void> {
    const { claimFolder, terms } = this.#options;
    if (terms === undefined) return claimFolder.show(undefined, true);
    try {
      await claimFolder.show(terms, false);
      await this.#agree(terms);
    } catch (error) {
      await claimFolder.close();
      throw error;
    }
  }

  /** undefined: it may go on. Whoever was taken for dead comes in again, unless the others have agreed on something else meanwhile. */
  async refusal(): Promise<Fault | undefined> {
    const { claimFolder, inbox } = this.#options;
    if (await claimFolder.isShown()) return undefined;
    // An inbox that is gone is not made again behind the back of whoever took it away.
    if ((await lstat(inbox).catch(() => undefined)) === undefined) return undefined;
    try {
      await this.enter();
    } catch (error) {
      if (error instanceof Fault) return error;
      throw error;
    }
    return undefined;
  }

  async #agree(terms: Terms): Promise<void> {
    const { inbox, claimFolder, say, nowMs, isClosing, pause } = this.#options;
    const { instance, deadAfterMs } = claimFolder;
    // Whoever waits is let in or refused when the lease of a dead one is over; more is a watcher that hangs.
    const deadlineMs = nowMs() + 3 * deadAfterMs;
    for (let said = false; !isClosing(); await pause(LOOK_MS)) {
      const verdict = judgeTerms({ instance, terms }, await claimFolder.others(nowMs()), deadAfterMs);
      if (verdict.kind === 'agreed') return claimFolder.show(terms, true);
      if (verdict.kind === 'refused' || nowMs() > deadlineMs) throw refused(inbox, verdict.by, verdict.differences);
      if (said) continue;
      said = true;
      const seconds = Math.ceil(deadAfterMs / 1_000);
      const reason = `${verdict.by.who} has watched it with ${verdict.differences.join('; ')}`;
      say('warn', `waiting for up to ${seconds} s: that watcher may come back`, { event: 'inbox_waiting', reason });
    }
  }
}

function refused(inbox: string, { who }: OtherWatcher, differences: readonly string[]): Fault {
  return new Fault(
    'config',
    `${who} watches ${inbox} with ${differences.join('; ')}`,
    'Watchers of one inbox must agree, for any of them may take a file. Stop the other one first, or name another inbox.',
  );
}
