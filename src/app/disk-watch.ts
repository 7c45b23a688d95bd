/** Tells whoever is to be notified that the disk of the store is nearly full: well before the intake pauses for it, and once until there is room again. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Settings } from '../config/settings.ts';
import type { Notice } from '../domain/notices/notice.ts';
import { noticeOfDisk } from '../domain/notices/notice.ts';
import { bytesText } from '../domain/progress/bytes-text.ts';
import type { Disk } from '../intake/disk-guard.ts';
import { diskOf, keptFreeOf, MAKE_ROOM } from '../intake/disk-guard.ts';

const LOOK_MS = 30_000;
/** Of what is kept free: below that it is told, above the second it may be told again. */
const LOW = 2;
const ENOUGH = 2.5;

export interface DiskWatchOptions {
  readonly settings: Pick<Settings, 'home' | 'minFreeBytes'>;
  readonly tell: (notice: Notice) => Promise<void>;
  readonly signal: AbortSignal;
  readonly look?: (folder: string) => Promise<Disk | undefined>;
  readonly everyMs?: number;
}

/** Until the signal aborts; where nothing is kept free there is nothing to tell. */
export async function watchDisk(options: DiskWatchOptions): Promise<void> {
  const { settings, tell, signal, look = diskOf, everyMs = LOOK_MS } = options;
  if (settings.minFreeBytes === 0) return;
  const folder = join(settings.home, 'store');
  let isLow = false;
  while (!signal.aborted) {
    const disk = await look(folder);
    if (disk !== undefined) {
      const keptFree = settings.minFreeBytes ?? keptFreeOf(disk.sizeBytes);
      const wasLow: boolean = isLow;
      isLow = disk.freeBytes < keptFree * (wasLow ? ENOUGH : LOW);
      if (isLow && !wasLow) {
        const { freeBytes } = disk;
        const reason = `${bytesText(freeBytes)} are free; below ${bytesText(keptFree)} nothing is taken in any more. ${MAKE_ROOM}`;
        await tell(noticeOfDisk({ host: hostname(), folder, reason, freeBytes }, new Date().toISOString()));
      }
    }
    await sleep(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
