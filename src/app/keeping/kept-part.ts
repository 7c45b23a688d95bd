/** A part of a file that retention and erasure remove. */
import type { Part } from '../../config/settings.ts';

/** What may be removed of a file. */
export interface KeptPart {
  readonly part: Part;
  readonly bytes: number;
  /** When it was last written, as time of day. */
  readonly changedMs: number;
  /** Where it is gone already, nothing happens. */
  remove(): Promise<void>;
}
