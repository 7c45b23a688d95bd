/**
 * Pauses the intake before the disk of the store is full: what is on its way needs the rest for its receipts, and a full disk stops it all. A file
 * that does not fit waits by itself while smaller ones go on; below the limit all wait. Sending goes on meanwhile. It resumes by itself.
 */
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Fault } from '../domain/failure.ts';
import { bytesText } from '../domain/progress/bytes-text.ts';

const MIB = 1_048_576;
const MOST_KEPT_FREE = 1_024 * MIB;
const SHARE_KEPT_FREE = 0.05;
/** Once paused, so much more must be free: it would come and go with each file else. */
const MARGIN = 1.1;
const LOOK_MS = 1_000;
/** Content and chunks. */
const COPIES = 2;
/** Text of alerts is packed about so many times as small. */
const GZIP_RATIO = 8;
/** For how long what was let in is counted as not written yet. */
const WRITTEN_AFTER_MS = 30_000;
const WRITTEN_BYTES_A_MS = 20_000;

export interface DiskGuardOptions {
  /** On the disk of the store; it need not be there yet. */
  readonly folder: string;
  /** undefined: a twentieth of the disk, at most 1 GiB. 0: the guard is off. */
  readonly minFreeBytes: number | undefined;
  readonly nowMs?: () => number;
  readonly diskOf?: (folder: string) => Promise<Disk | undefined>;
}

export interface Disk {
  readonly freeBytes: number;
  readonly sizeBytes: number;
}

export class DiskGuard {
  readonly #options: DiskGuardOptions;
  readonly #nowMs: () => number;
  /** By what was let in. */
  readonly #admitted = new Map<object, { readonly bytes: number; readonly untilMs: number }>();
  #disk: Disk | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #paused = false;

  constructor(options: DiskGuardOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** Looks at the disk, once a second at most. Where it cannot be asked nothing is held back. */
  async look(): Promise<void> {
    const nowMs = this.#nowMs();
    if (this.#options.minFreeBytes === 0 || nowMs - this.#lookedMs < LOOK_MS) return;
    this.#lookedMs = nowMs;
    this.#disk = await (this.#options.diskOf ?? diskOf)(this.#options.folder);
    for (const [key, { untilMs }] of this.#admitted) if (untilMs <= nowMs) this.#admitted.delete(key);
    if (this.#disk === undefined) this.#paused = false;
    else this.#paused = this.#disk.freeBytes < this.#minFreeBytes * (this.#paused ? MARGIN : 1);
  }

  get #minFreeBytes(): number {
    const { minFreeBytes } = this.#options;
    return minFreeBytes ?? keptFreeOf(this.#disk?.sizeBytes ?? 0);
  }

  /** Why nothing is taken in, as of the last look; undefined: it is. */
  get paused(): string | undefined {
    if (!this.#paused || this.#disk === undefined) return undefined;
    const { freeBytes } = this.#disk;
    return `${bytesText(freeBytes)} are free on the disk of the store, and ${bytesText(this.#minFreeBytes)} are kept free (intake.minFreeMiB)`;
  }

  /** Why a file of this size would not fit; undefined: it may come in, and counts from now on. `key`: who asks again is counted once. */
  admit(key: object, sizeBytes: number, gzip: boolean): string | undefined {
    this.#admitted.delete(key);
    if (this.#disk === undefined) return undefined;
    const bytes = sizeBytes * COPIES * (gzip ? GZIP_RATIO : 1);
    const promised = [...this.#admitted.values()].reduce((sum, one) => sum + one.bytes, 0);
    const usable = Math.max(0, this.#disk.freeBytes - promised - this.#minFreeBytes);
    if (bytes > usable) {
      return `it needs about ${bytesText(bytes)} on the disk of the store, and ${bytesText(usable)} may be used`;
    }
    this.#admitted.set(key, { bytes, untilMs: this.#nowMs() + WRITTEN_AFTER_MS + bytes / WRITTEN_BYTES_A_MS });
    return undefined;
  }

  /** The same for one who does not wait. Throws Fault `store`. */
  async require(file: string, sizeBytes: number, gzip: boolean): Promise<void> {
    await this.look();
    const why = this.paused ?? this.admit({}, sizeBytes, gzip);
    if (why === undefined) return;
    throw new Fault('store', `there is no room for ${file}: ${why}`, MAKE_ROOM);
  }
}

/** Where it is not said how much. */
export const keptFreeOf = (diskBytes: number): number => Math.min(MOST_KEPT_FREE, diskBytes * SHARE_KEPT_FREE);

export const MAKE_ROOM = 'Make room: wds prune --dry-run says what may go (docs/retention.md).';

/** The disk that a folder is on, or will be; undefined: it cannot be asked. */
export async function diskOf(folder: string): Promise<Disk | undefined> {
  const there = existsSync(folder) || dirname(folder) === folder ? folder : undefined;
  if (there === undefined) return diskOf(dirname(folder));
  try {
    const { bavail, bsize, blocks } = await statfs(there);
    return blocks === 0 ? undefined : { freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
  } catch {
    return undefined;
  }
}
