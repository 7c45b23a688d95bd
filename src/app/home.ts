/** The home as it lies on the disk, for whoever only looks at it: without Temporal, and nothing is made of what is not there. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../clock.ts';
import { Fault } from '../domain/failure.ts';
import { thisBoot } from '../store/boot.ts';
import { FolderLedgers } from '../store/folder-ledger.ts';
import { FolderStore } from '../store/folder-store.ts';
import type { Ledgers } from '../store/ledger.ts';
import type { Store } from '../store/store.ts';

export interface Home {
  readonly store: Store;
  readonly ledgers: Ledgers;
  /** Where the store is. */
  readonly folder: string;
}

/** Throws Fault `not_found` where nothing was ever delivered from. */
export async function openHome(home: string): Promise<Home> {
  const place = join(home, 'store');
  const isThere = await stat(place).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  if (!isThere) {
    throw new Fault(
      'not_found',
      `${home} is no home of wds: there is no store in it`,
      'Check --home (WDS_HOME, or home in wds.config.yaml). A home is made by the first wds up, send, watch or worker.',
    );
  }
  const store = new FolderStore(place);
  return { store, folder: place, ledgers: new FolderLedgers({ store, clock: systemClock, boot: thisBoot() }) };
}
