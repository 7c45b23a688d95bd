/** Whether there is room on the disk of the store for what waits in an inbox. What does not fit is said once. */
import type { DetectedFormat } from '../formats/detect.ts';
import type { DiskGuard } from './disk-guard.ts';
import type { Say } from './log.ts';

/** While nothing may come in, the disk is looked at so often. */
export const LOOK_AT_DISK_MS = 5_000;
const MOST_SAID = 1_024;

export interface AdmissionParts {
  /** Absent: whatever comes is taken. */
  readonly guard?: DiskGuard | undefined;
  /** Larger ones are refused, and not read. Absent: none is. */
  readonly maxFileBytes?: number | undefined;
  readonly say: Say;
}

interface WaitingFile {
  readonly name: string;
  readonly kind: DetectedFormat;
  readonly sample: { readonly sizeBytes: number } | undefined;
}

export class Admission {
  readonly #parts: AdmissionParts;
  #paused = false;
  /** Names of files that do not fit on the disk. */
  readonly #waiting = new Set<string>();

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** Whether the disk is so full that nothing may come in. Said when it begins, and when it is over. */
  async paused(): Promise<boolean> {
    const { guard, say } = this.#parts;
    await guard?.look();
    const reason = guard?.paused;
    if (this.#paused === (reason !== undefined)) return this.#paused;
    this.#paused = reason !== undefined;
    if (reason !== undefined) say('warn', `no file is taken: ${reason}`, { event: 'intake_paused', reason });
    else say('info', 'files are taken again', { event: 'intake_resumed' });
    return this.#paused;
  }

  /** Whether this one may come in. Smaller ones go on while it waits. */
  admits(file: WaitingFile): boolean {
    const { guard, say, maxFileBytes = Number.POSITIVE_INFINITY } = this.#parts;
    const sizeBytes = file.sample?.sizeBytes ?? 0;
    const reason = sizeBytes > maxFileBytes ? undefined : guard?.admit(file, sizeBytes, file.kind.gzip);
    if (reason === undefined) {
      this.#waiting.delete(file.name);
      return true;
    }
    if (!this.#waiting.has(file.name) && this.#waiting.size < MOST_SAID) {
      this.#waiting.add(file.name);
      const message = `left where it is until there is room: ${reason}`;
      say('warn', message, { event: 'file_waiting', file: file.name, reason });
    }
    return false;
  }
}
