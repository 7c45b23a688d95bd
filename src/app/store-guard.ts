/** The guard of the disk that the store of a home is on. */
import { join } from 'node:path';
import type { Settings } from '../config/settings.ts';
import { DiskGuard } from '../intake/disk-guard.ts';

/** A bucket has no end: with a store on S3 nothing is held back. */
export const storeGuard = ({
  home,
  store,
  minFreeBytes,
}: Pick<Settings, 'home' | 'store' | 'minFreeBytes'>): DiskGuard =>
  new DiskGuard({ folder: join(home, 'store'), minFreeBytes: store === undefined ? minFreeBytes : 0 });
