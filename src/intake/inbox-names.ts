/** What a name in the inbox says about the file, and the names that wds gives to a file on its way. Pure. */
import type { FilePriority } from '../domain/contracts.ts';
import { plainText } from '../domain/plain-text.ts';

/** The watcher's own folders in an inbox. */
export const STATE_FOLDER = '.wds';
export const PROCESSED_FOLDER = 'processed';
export const REJECTED_FOLDER = 'rejected';
export const RESULTS_FOLDER = 'results';
export const URGENT_FOLDER = 'urgent';

/** NAME_MAX of the usual file systems, in bytes. */
const MAX_NAME_BYTES = 255;
const UPLOAD_SUFFIX = /(?:\.(?:part|partial|tmp|crdownload|filepart|swp)|~)$/i;

/** Uploads in progress: ignored until they are renamed. */
export const isUploadInProgress = (name: string): boolean => name.startsWith('.') || UPLOAD_SUFFIX.test(name);

/** A name as it may appear in a log or on a terminal. Reversible: an escape in it stands for a character. */
export const printableName = (name: string): string => plainText(name.replaceAll('\\', '\\\\'));

/** Cuts the middle out of a name that would not fit between `prefix` and `suffix`, so that its start and its extension stay. */
export function fittingName(prefix: string, name: string, suffix = ''): string {
  const fits = (text: string): boolean => Buffer.byteLength(prefix + text + suffix) <= MAX_NAME_BYTES;
  if (fits(name)) return prefix + name + suffix;
  const characters = [...name];
  const tail = characters.slice(-24).join('');
  let head = characters.length - 24;
  while (head > 0 && !fits(`${characters.slice(0, head).join('')}…${tail}`)) head -= 1;
  return `${prefix}${characters.slice(0, Math.max(head, 0)).join('')}…${tail}${suffix}`;
}

/** `<seq>-<priority>-<name>`: all that another watcher needs to finish the work. */
export const claimName = (sequence: number, priority: FilePriority, name: string): string =>
  fittingName(`${String(sequence).padStart(6, '0')}-${priority}-`, name);

export function parseClaimName(claim: string): { readonly priority: FilePriority; readonly name: string } | undefined {
  const [, priority, name] = /^\d+-(urgent|normal)-(.+)$/s.exec(claim) ?? [];
  return priority === undefined || name === undefined ? undefined : { priority: priority as FilePriority, name };
}

/** `20250131T235959.123Z-<name>`; `copy` > 1 where that is taken. */
export function processedName(name: string, now: Date, copy: number): string {
  const time = now.toISOString().replaceAll(/[-:]/g, '');
  return fittingName(copy === 1 ? `${time}-` : `${time}-${copy}-`, name);
}
