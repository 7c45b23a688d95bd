/** Notices that another store was mounted over the one that this process began with: it cannot go on, and a new start can. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { OwnStore } from '../store/installation-identity.ts';
import { StoreMismatch } from '../store/installation-identity.ts';

const LOOK_MS = 5_000;

/** Resolves when that is so. A store that is not there is waited for: it may come back. */
export async function watchStore(ownStore: OwnStore, signal: AbortSignal): Promise<StoreMismatch> {
  for (;;) {
    await sleep(LOOK_MS, undefined, { ref: false, signal }).catch(() => new Promise<never>(() => undefined));
    try {
      await ownStore.confirm();
    } catch (error) {
      if (error instanceof StoreMismatch && error.replaced) return error;
    }
  }
}
