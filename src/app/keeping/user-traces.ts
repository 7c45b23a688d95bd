/** Where a home tells of a user beside the alerts: rows that became none, files that were refused, contents that were never read. */
import { readRejects } from '../../store/chunks.ts';
import type { DeliveryRecord } from '../../store/delivery-record.ts';
import { contentKey } from '../../store/layout.ts';
import type { Redacted } from '../../store/redaction.ts';
import { tellsOf } from '../../store/redaction.ts';
import type { UserHit } from '../../store/scan-users.ts';
import type { Store } from '../../store/store.ts';
import { refusalsOf, windowsOf } from './file-texts.ts';
import type { House } from './house.ts';

export interface FoundFile {
  readonly sha256: string;
  readonly file: string;
  /** Its alerts of the user. */
  readonly hits: readonly UserHit[];
  readonly records: readonly DeliveryRecord[];
  /** Why nothing of it may be changed now; undefined: it may. */
  readonly busy: string | undefined;
}

/** What would be erased. */
export interface ForgetPlan {
  readonly userId: string;
  readonly files: readonly FoundFile[];
}

/** What names the user: the ID itself, not as a part of another word or number. */
export function userWords(userId: string): Redacted {
  const escaped = userId.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}_-])${escaped}(?![\\p{L}\\p{N}_-])`, 'u');
  return { isUser: (id) => id === userId, names: (text) => pattern.test(text) };
}

/** Whether anything of a file but its alerts tells of the user. */
export async function tracesOf(house: House, sha256: string, userId: string): Promise<boolean> {
  const words = userWords(userId);
  const windows = await windowsOf(house, sha256);
  for (const ref of windows) {
    for await (const reject of readRejects(house.store, ref)) if (tellsOf(reject, words)) return true;
  }
  for (const { message } of await refusalsOf(house, sha256)) if (words.names(message)) return true;
  // What was read has told already.
  return windows.length === 0 && contentNames(house.store, contentKey(sha256), words, userId);
}

/** Piece by piece, with enough of the one before. */
async function contentNames(store: Store, key: string, { names }: Redacted, userId: string): Promise<boolean> {
  if (!(await store.exists(key))) return false;
  const overlap = 2 * Buffer.byteLength(userId) + 16;
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of store.readFrom(key, 0)) {
    const text = rest + decoder.decode(piece, { stream: true });
    if (names(text)) return true;
    rest = text.slice(-overlap);
  }
  return false;
}
