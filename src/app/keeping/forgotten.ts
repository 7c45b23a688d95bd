/**
 * Dropped files that named a user who was forgotten, in inboxes that `wds forget` did not see: each host has inboxes of its own. It leaves a note in
 * the store for each file, and whoever watches an inbox removes what the notes are about. A note holds for files that were moved before it: who drops
 * the same file again brings it back, and is not contradicted.
 *
 *   forgotten/<time of day, ms>.<bytes>.<sha>
 */
import type { Store } from '../../store/store.ts';
import type { House } from './house.ts';
import type { KeptPart } from './kept-part.ts';
import { removeOriginals } from './originals.ts';

const FORGOTTEN = 'forgotten';
const NOTE = /^(\d+)\.(\d+)\.([0-9a-f]{64})$/;

interface Note {
  readonly atMs: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** Before anything is removed, so that what is broken off is finished by those who watch. */
export async function noteForgotten(store: Store, { atMs, bytes, sha256 }: Note): Promise<void> {
  await store.put(`${FORGOTTEN}/${String(atMs).padStart(14, '0')}.${bytes}.${sha256}`, '');
}

/** Removes from these inboxes what the notes are about that are not among `seen`; returns all notes. */
export async function removeForgotten(
  { store, inboxes }: Pick<House, 'store' | 'inboxes'>,
  seen: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const names = await store.list(FORGOTTEN);
  const bySize = new Map<number, Note[]>();
  for (const name of names.filter((one) => !seen.has(one))) {
    const [, atMs, size, sha256 = ''] = NOTE.exec(name) ?? [];
    const bytes = Number(size);
    if (sha256 !== '') bySize.set(bytes, [...(bySize.get(bytes) ?? []), { atMs: Number(atMs), bytes, sha256 }]);
  }
  const about = ({ bytes, changedMs }: KeptPart): readonly Note[] =>
    (bySize.get(bytes) ?? []).filter(({ atMs }) => changedMs <= atMs);
  if (bySize.size > 0) {
    const wanted = (one: KeptPart): ReadonlySet<string> => new Set(about(one).map(({ sha256 }) => sha256));
    for (const inbox of inboxes) await removeOriginals(inbox, wanted);
  }
  return new Set(names);
}
