/** API processes of one inbox, as far as posts go, for tests. */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { DEFAULT_PARSE_OPTIONS } from '../../src/domain/parse-options.ts';
import { Entrance } from '../../src/intake/entrance.ts';
import type { Alert } from '../../src/posts/gathered-row.ts';
import { Posts } from '../../src/posts/posts.ts';
import { makeFolder } from '../config/folder.ts';

export async function makeInbox(): Promise<string> {
  const inbox = join(await makeFolder(), 'inbox');
  await mkdir(inbox);
  return inbox;
}

export interface PostsProcess {
  readonly posts: Posts;
  readonly entrance: Entrance;
}

/** `gatherMs`: long, so that a test says itself when files are handed over: by closing. `deadAfterMs`: silence that counts as death. */
export async function postsProcess(inbox: string, gatherMs = 60_000, deadAfterMs?: number): Promise<PostsProcess> {
  const entrance = new Entrance(inbox, deadAfterMs);
  await entrance.enter();
  const posts = new Posts({
    entrance,
    parse: DEFAULT_PARSE_OPTIONS,
    gatherMs,
    sidecar: 'off',
    say: () => undefined,
  });
  await posts.begin();
  onTestFinished(async () => {
    await posts.close();
    await entrance.close();
  });
  return { posts, entrance };
}

/** The files that are in the inbox for all to see, as rows. */
export async function filesIn(inbox: string): Promise<Alert[][]> {
  const names = (await readdir(inbox)).filter((name) => !name.startsWith('.')).sort();
  return Promise.all(
    names.map(async (name) => {
      const lines = (await readFile(join(inbox, name), 'utf8')).replace('\uFEFF', '').trim().split('\n');
      return lines.map((line) => JSON.parse(line) as Alert);
    }),
  );
}

export const alertFor = (userId: string, alertMessage = 'Hello'): Alert => ({ userId, alertMessage });

export const usersIn = (files: readonly (readonly Alert[])[]): string[][] =>
  files.map((rows) => rows.map(({ userId }) => userId));
