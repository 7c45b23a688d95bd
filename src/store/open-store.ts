/** The store that the settings name, whichever kind it is: a folder of the home, or a bucket. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../clock.ts';
import { Fault } from '../domain/failure.ts';
import { thisBoot } from './boot.ts';
import { FolderLedgers } from './folder-ledger.ts';
import { FolderParts } from './folder-parts.ts';
import { FolderStore } from './folder-store.ts';
import { INSTALLATION_KEY, readInstallationId } from './installation-identity.ts';
import type { Ledgers } from './ledger.ts';
import { ObjectLedgers } from './object-ledger.ts';
import { FolderReports } from './report-files.ts';
import type { ReportShelf } from './report-shelf.ts';
import { ignoresConditions, keepsConditions } from './s3/conditions.ts';
import { openBucket } from './s3/s3-bucket.ts';
import type { S3Place } from './s3/s3-client.ts';
import { S3Parts } from './s3/s3-parts.ts';
import { S3Reports } from './s3/s3-reports.ts';
import { BucketObjects, S3Store } from './s3/s3-store.ts';
import { S3Users } from './s3/s3-users.ts';
import type { SavedUsers } from './scan-users.ts';
import { FolderUsers } from './scan-users.ts';
import type { Store } from './store.ts';
import type { StoredParts } from './stored-parts.ts';

/** Where the store is. */
export interface StorePlace {
  /** The folder of this installation on this host. */
  readonly home: string;
  /** undefined: the store is in the home. */
  readonly store: S3Place | undefined;
}

export interface OpenedStore {
  readonly store: Store;
  readonly ledgers: Ledgers;
  readonly users: SavedUsers;
  readonly reports: ReportShelf;
  readonly parts: StoredParts;
  /** For people: a path, or `s3://bucket/prefix`. */
  readonly place: string;
  /** Throws Fault `config` where the place cannot keep what wds promises, Fault `store` where it cannot be asked. */
  prove(): Promise<void>;
}

/** Makes nothing. Throws Fault `config` where the store is on S3 and the SDK is not installed. */
export async function openStore({ home, store: place }: StorePlace): Promise<OpenedStore> {
  if (place === undefined) {
    const folder = join(home, 'store');
    const store = new FolderStore(folder);
    const ledgers = new FolderLedgers({ store, clock: systemClock, boot: thisBoot() });
    const reports = new FolderReports(join(home, 'reports'));
    const parts = new FolderParts({ store, folder, reports: reports.place });
    const users = new FolderUsers(folder);
    return { store, ledgers, users, reports, parts, place: folder, prove: () => Promise.resolve() };
  }
  const bucket = await openBucket(place);
  const store = new S3Store(bucket);
  const ledgers = new ObjectLedgers({ objects: new BucketObjects(bucket), clock: systemClock });
  const prove = async (): Promise<void> => {
    if (!(await keepsConditions(bucket, INSTALLATION_KEY))) throw ignoresConditions(bucket.place);
  };
  const reports = new S3Reports({ bucket, store, drafts: join(home, 'drafts') });
  const parts = new S3Parts({ bucket, store, reports });
  return { store, ledgers, users: new S3Users(store), reports, parts, place: bucket.place, prove };
}

/** The same for whoever only looks. Throws Fault `not_found` where nothing was ever delivered from. */
export async function openKnownStore(at: StorePlace): Promise<OpenedStore> {
  const opened = await openStore(at);
  if (at.store !== undefined) {
    if ((await readInstallationId(opened.store)) !== undefined) return opened;
    throw new Fault(
      'not_found',
      `nothing was ever delivered from ${opened.place}: there is no store in it`,
      'Check --store (WDS_STORE, or store in wds.config.yaml). A store is made by the first wds up, send, watch or worker.',
    );
  }
  const isThere = await stat(opened.place).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  if (isThere) return opened;
  throw new Fault(
    'not_found',
    `${at.home} is no home of wds: there is no store in it`,
    'Check --home (WDS_HOME, or home in wds.config.yaml). A home is made by the first wds up, send, watch or worker.',
  );
}
