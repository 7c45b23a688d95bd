/**
 * When the invalid rows of a file refuse all of it, before anything is sent: whoever got an alert from a file of which a part is unusable would
 * get it again from the corrected one, for that has other bytes. Pure.
 */
import type { FileCounts } from '../counts.ts';

/** Of the rows. */
export const DEFAULT_MAX_INVALID = 0.2;
/** A single bad row in a short file is no sign that the file as a whole is wrong. */
const FEWEST_INVALID = 2;

/** `maxInvalid`: a share of the rows, from 0 to 1; undefined: no share is too much. */
export function refusedFor(
  { rows, alerts, invalid, duplicates, invalidReasons = [] }: FileCounts,
  maxInvalid: number | undefined,
): 'no_valid_row' | 'too_many_invalid' | undefined {
  // Duplicates are valid rows, also where the first one is in a file that this one mends.
  if (rows > 0 && alerts + duplicates === 0) return 'no_valid_row';
  if (maxInvalid === undefined || maxInvalid >= 1) return undefined;
  // Nothing is to be mended about a header that comes again.
  const repeated = invalidReasons.find(({ reason }) => reason === 'repeated_header')?.rows ?? 0;
  const unusable = invalid - repeated;
  return unusable >= FEWEST_INVALID && unusable / (rows - repeated) > maxInvalid ? 'too_many_invalid' : undefined;
}
