/**
 * What an API process that is gone has left in its folder: uploads that broke off are removed; gathered files are handed to the inbox, each
 * with the rows of whole posts. It may be done again after a crash: the same rows make the same file, and the same file is delivered once.
 */
import { mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Entrance } from '../intake/entrance.ts';
import type { SidecarKind } from '../intake/sidecars.ts';
import { isErrno } from '../thrown.ts';
import { FILE_START, wholePosts } from './gathered-row.ts';
import type { PostKeys } from './post-keys.ts';
import { GATHERED_PREFIX, giveToInbox } from './spool.ts';

/** All of it is handed over; only the removal may be left to do. */
const SETTLED = 'settled';

export interface SettledFile {
  readonly name: string;
  readonly alerts: number;
}

/** `folder`: taken over by `entrance`. Returns what was handed to the inbox. */
export async function settleDead(
  folder: string,
  entrance: Pick<Entrance, 'inbox'>,
  keys: Pick<PostKeys, 'mark'>,
  sidecar: SidecarKind,
): Promise<SettledFile[]> {
  const names = await readdir(folder);
  const settled: SettledFile[] = [];
  if (!names.includes(SETTLED)) {
    const gathered = names.filter((name) => name.startsWith(GATHERED_PREFIX)).sort();
    const texts = await Promise.all(gathered.map((name) => readFile(join(folder, name), 'utf8')));
    const { rows, posts } = wholePosts(texts);
    for (const { key, post } of posts) if (key !== undefined) await keys.mark(key, post);
    await mkdir(join(folder, 'whole'), { recursive: true });
    for (const [index, name] of gathered.entries()) {
      const alerts = rows[index]?.length ?? 0;
      if (alerts === 0) continue;
      // A copy: its writer may only have been stopped, and still have the file open.
      const path = join(folder, 'whole', name);
      const text = `${FILE_START}${rows[index]!.join('\n')}\n`;
      await writeDurably(path, text);
      await giveToInbox(entrance.inbox, { path, name, sizeBytes: text.length }, sidecar);
      settled.push({ name, alerts });
    }
    await writeFile(join(folder, SETTLED), '');
  }
  await rm(folder, { recursive: true, force: true }).catch((error: unknown) => {
    // Its writer may have woken up just now, and have made a file in it.
    if (!isErrno(error, 'ENOTEMPTY')) throw error;
  });
  return settled;
}

async function writeDurably(path: string, text: string): Promise<void> {
  const handle = await open(path, 'w');
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
