/**
 * Files that a version of before has read have no users saved for `wds find`, or only some. They are made from their rows, once, as reading would have
 * made them.
 */
import type { WindowResult } from '../domain/contracts.ts';
import { parseKey } from '../domain/parse-options.ts';
import { SeenUsers } from '../formats/seen-users.ts';
import type { WindowRef } from '../store/chunks.ts';
import { ChunksMissing, readChunk, readWindow, userOf } from '../store/chunks.ts';
import type { DeliveryRecord } from '../store/delivery-record.ts';
import { deliveriesOf } from '../store/delivery-record.ts';
import { storedFiles } from '../store/file-names.ts';
import { usersKey } from '../store/layout.ts';
import type { OpenedStore } from '../store/open-store.ts';
import { readRefusal } from '../store/refusals.ts';
import { saveUsers } from '../store/saved-users.ts';
import { fileOf } from '../store/scan-users.ts';
import type { Store } from '../store/store.ts';

const FILES_AT_ONCE = 32;
const FIRST_WINDOW = '.0001';

/** Returns the names of all windows whose users are saved by now, and of the files whose rows are not there (any more, or yet). */
export async function saveEarlierUsers(
  home: Pick<OpenedStore, 'store' | 'users'>,
  say: (text: string) => void,
): Promise<{ readonly names: readonly string[]; readonly unsearched: readonly string[] }> {
  const { store, users } = home;
  const names = await users.windows();
  const saved = new Set(names.filter((name) => name.endsWith(FIRST_WINDOW)).map(fileOf));
  const files = (await storedFiles(store)).filter((sha256) => !saved.has(sha256));
  const unsearched: string[] = [];
  let said = false;
  const begins = (): void => {
    if (!said) say('Indexing the users of files that an earlier version of wds has read; this is done once …');
    said = true;
  };
  for (let from = 0; from < files.length; from += FILES_AT_ONCE) {
    const examined = files.slice(from, from + FILES_AT_ONCE).map(async (sha256) => {
      for (const record of await deliveriesOf(store, sha256)) {
        if (!(await saveWindows(store, record, begins))) unsearched.push(record.fileName);
      }
    });
    await Promise.all(examined);
  }
  return { names: said ? await users.windows() : names, unsearched: unsearched.sort() };
}

/** false: its rows are not there. */
async function saveWindows(store: Store, { sha256, parse }: DeliveryRecord, begins: () => void): Promise<boolean> {
  const key = parseKey(parse);
  try {
    for (let number = 1; ; number++) {
      const ref = { sha256, parseKey: key, window: number };
      const window = await readWindow(store, ref);
      // A file that was refused has alerted nobody.
      if (window === undefined) return number > 1 || (await readRefusal(store, sha256, key)) !== undefined;
      if (window.alerts > 0 && !(await store.exists(usersKey(sha256, key, number)))) {
        begins();
        await saveUsersOf(store, ref, window, parse.chunkSize);
      }
      if (window.next === null) return true;
    }
  } catch (error) {
    if (error instanceof ChunksMissing) return false;
    throw error;
  }
}

async function saveUsersOf(store: Store, ref: WindowRef, window: WindowResult, chunkSize: number): Promise<void> {
  const { firstChunk, chunks, chunkAlerts } = window;
  // Each user has one alert in a file, so those of a window are all new.
  const users = new SeenUsers(ref.sha256);
  for (let chunk = firstChunk; chunk < firstChunk + chunks; chunk++) {
    for (const row of await readChunk(store, { ...ref, chunk })) users.add(userOf(row), row.line);
  }
  await saveUsers(store, ref, { firstChunk, sizes: chunkAlerts ?? [chunkSize] }, users.entriesFrom(0));
}
