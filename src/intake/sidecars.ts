/**
 * Sidecars, on request: `a.csv` is taken when `a.csv.done` says that it is whole, or when it has the SHA-256 that `a.csv.sha256` names; without
 * one it stays where it is, however long. A `.done` must be newer than the file, so that one that was left over vouches for nothing.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readFile } from 'node:fs/promises';
import { isErrno } from '../thrown.ts';
import type { FileSample } from './completeness.ts';

export type SidecarKind = 'off' | 'done' | 'sha256';

/** `absent` or why it does not vouch for the file as it is. */
export type Vouching = 'whole' | 'absent' | { readonly refused: string };

const MAX_SIDECAR_BYTES = 4_096;
const MOST_DIFFERENT = 1_000;

export class Sidecars {
  readonly kind: SidecarKind;
  /** By path: file and sidecar as they were when their sums were found to differ. */
  readonly #differ = new Map<string, string>();

  constructor(kind: SidecarKind) {
    this.kind = kind;
  }

  pathOf(path: string): string {
    return `${path}.${this.kind}`;
  }

  /** The file that a name is the sidecar of; undefined: it is none. */
  fileOf(name: string): string | undefined {
    return this.kind !== 'off' && name.endsWith(`.${this.kind}`) ? name.slice(0, -this.kind.length - 1) : undefined;
  }

  /** Throws what reading the file throws. */
  async vouch(path: string, sample: FileSample): Promise<Vouching> {
    const stats = await lstat(this.pathOf(path)).catch((error: unknown) => {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw error;
    });
    if (stats === undefined) return 'absent';
    if (!stats.isFile()) return { refused: 'its sidecar is not a regular file' };
    if (this.kind === 'done') {
      if (stats.ctimeMs >= sample.ctimeMs) return 'whole';
      return { refused: 'its .done is older than the file: make it again when the file is whole' };
    }
    const seen = JSON.stringify([sample, stats.ctimeMs, stats.size]);
    if (this.#differ.get(path) !== seen) {
      const named = stats.size > MAX_SIDECAR_BYTES ? '' : await readFile(this.pathOf(path), 'utf8');
      const wanted = /^\\?([0-9a-f]{64})(?![0-9a-z])/i.exec(named.trim())?.[1]?.toLowerCase();
      if (wanted === undefined) return { refused: 'its .sha256 does not begin with a SHA-256 of 64 digits' };
      if ((await sha256Of(path)) === wanted) return 'whole';
      if (this.#differ.size >= MOST_DIFFERENT) this.#differ.clear();
      this.#differ.set(path, seen);
    }
    return { refused: 'its content does not have the SHA-256 that its .sha256 names' };
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const block of createReadStream(path, { highWaterMark: 512 * 1024 })) hash.update(block as Buffer);
  return hash.digest('hex');
}
