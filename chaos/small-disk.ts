/**
 * A disk that can be full: a tmpfs of its own where we may mount one, else a folder whose writers are made to fail by the preload (the
 * caller's part, told by `mounted`).
 */
import { execFileSync } from 'node:child_process';
import { closeSync, cpSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const SIZE_MIB = 64;
const BLOCK = Buffer.alloc(1024 * 1024);
const LEAST = Buffer.alloc(512);

export class SmallDisk {
  readonly folder: string;
  readonly mounted: boolean;
  readonly #ballast: string;
  #removed = false;

  private constructor(folder: string, mounted: boolean) {
    this.folder = folder;
    this.mounted = mounted;
    this.#ballast = join(folder, '.ballast');
  }

  static make(folder: string): SmallDisk {
    mkdirSync(folder, { recursive: true });
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MIB}m`, 'tmpfs', folder], { stdio: 'ignore' });
      const disk = new SmallDisk(folder, true);
      // We may be interrupted.
      process.once('exit', () => disk.remove(undefined));
      return disk;
    } catch {
      return new SmallDisk(folder, false);
    }
  }

  /** Takes all that is left. */
  fill(): void {
    if (!this.mounted) return;
    const fd = openSync(this.#ballast, 'a');
    try {
      for (const piece of [BLOCK, LEAST]) while (writes(fd, piece));
    } finally {
      closeSync(fd);
    }
  }

  empty(): void {
    rmSync(this.#ballast, { force: true });
  }

  /** What was on it goes to `keptIn`, where that is wanted. */
  remove(keptIn: string | undefined): void {
    if (this.#removed) return;
    this.#removed = true;
    this.empty();
    if (!this.mounted) return;
    if (keptIn !== undefined) cpSync(this.folder, keptIn, { recursive: true });
    // Lazily: a process that was killed a moment ago may still hold it.
    execFileSync('umount', ['-l', this.folder], { stdio: 'ignore' });
  }
}

function writes(fd: number, piece: Buffer): boolean {
  try {
    return writeSync(fd, piece) > 0;
  } catch {
    return false;
  }
}
