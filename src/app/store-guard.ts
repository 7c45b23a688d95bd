/** The guard of the disk that the store of a home is on. */
import { join } from 'node:path';
import type { Settings } from '../config/settings.ts';
import { DiskGuard } from '../intake/disk-guard.ts';

export const storeGuard = ({ home, minFreeBytes }: Pick<Settings, 'home' | 'minFreeBytes'>): DiskGuard =>
  new DiskGuard({ folder: join(home, 'store'), minFreeBytes });
