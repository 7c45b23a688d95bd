/**
 * Writers that come back: a file was taken while its writer paused (it opens the file again for each piece), and what it writes then is a
 * new file under the same name. Whether that is a rest can be told by its beginning, or by how the first part ended.
 */
import type { DroppedFile } from './dropped-file.ts';
import type { FileEnds } from './file-ends.ts';

/** A writer that pauses for longer than this is not waited for, nor recognised. */
const REMEMBERED_MS = 600_000;
const MOST_REMEMBERED = 1_000;

interface Taken {
  readonly atMs: number;
  readonly ends: FileEnds;
}

export class ComeBacks {
  /** Whether CSV files begin with a header. */
  readonly #header: boolean;
  readonly #taken = new Map<string, Taken>();

  constructor(header: boolean) {
    this.#header = header;
  }

  /** One that came by a rename is whole; `ends` undefined: nothing can be told later. */
  remember({ path, ends, whole }: Pick<DroppedFile, 'path' | 'ends' | 'whole'>, atMs: number): void {
    this.#taken.delete(path);
    if (whole || ends === undefined) return;
    this.#taken.set(path, { atMs, ends });
    if (this.#taken.size > MOST_REMEMBERED)
      for (const oldest of this.#taken.keys()) if (this.#taken.delete(oldest)) break;
  }

  /** How long ago the first part of this file was taken; undefined: it is not seen to be the rest of one. */
  restOf(
    { path, ends, whole, kind }: Pick<DroppedFile, 'path' | 'ends' | 'whole' | 'kind'>,
    nowMs: number,
  ): number | undefined {
    const first = this.#taken.get(path);
    if (first === undefined || ends === undefined || whole) return undefined;
    const agoMs = nowMs - first.atMs;
    if (agoMs > REMEMBERED_MS) return undefined;
    const hasHeader = kind.format === 'csv' && this.#header;
    // With the same header it is another file, however the first one ended.
    const isRest = hasHeader ? ends.firstLine !== first.ends.firstLine : !first.ends.endsWithRow;
    return isRest ? agoMs : undefined;
  }
}
