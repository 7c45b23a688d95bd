import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, open, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { newIdentity } from '../../src/intake/instance.ts';
import { FILE_START, gatheredRow } from '../../src/posts/gathered-row.ts';
import { keyHash, PostKeys } from '../../src/posts/post-keys.ts';
import { NotTaken } from '../../src/posts/spool.ts';
import { alertFor, filesIn, makeInbox, postsProcess, usersIn } from './support.ts';

const NAMES = { userIdColumn: 'userId', alertMessageColumn: 'alertMessage' };
const entrances = (inbox: string): string => join(inbox, '.wds/entrances');

/** The identity of a process that has ended. */
async function deadIdentity(): Promise<string> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const { pid } = child;
  child.kill('SIGKILL');
  await once(child, 'exit');
  return `${JSON.stringify({ ...newIdentity(), pid, instance: 'dead-1' })}\n`;
}

/** What a process that was killed has left: gathered files by name. */
async function leaveBehind(inbox: string, files: Readonly<Record<string, string>>): Promise<void> {
  const folder = join(entrances(inbox), 'dead-1');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'alive'), await deadIdentity());
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
}

const row = (userId: string, post: string, part = 1, parts = 1, key?: string): string =>
  gatheredRow(alertFor(userId), NAMES, { post, part, parts, key });

describe('posts are gathered', () => {
  test('into one file; the next alert for a user goes into the next one, and equal texts are not one alert', async () => {
    const inbox = await makeInbox();
    const { posts } = await postsProcess(inbox);
    await Promise.all(['a', 'b', 'a', 'c', 'a', 'b'].map((user) => posts.take([alertFor(user)], undefined)));
    expect(await filesIn(inbox)).toEqual([]);
    await posts.close();
    const files = await filesIn(inbox);
    expect(usersIn(files)).toEqual([['a', 'b', 'c'], ['a', 'b'], ['a']]);
    const ids = files.flat().map((one) => (one as unknown as { wdsPost: string }).wdsPost);
    expect(new Set(ids).size).toBe(6);
  });

  test('and handed over when their time has come, without another post', async () => {
    const inbox = await makeInbox();
    const { posts } = await postsProcess(inbox, 50);
    const answer = await posts.take([alertFor('a')], undefined);
    await vi.waitFor(async () => expect(usersIn(await filesIn(inbox))).toEqual([['a']]));
    expect(answer.kind === 'taken' && answer.files).toEqual((await readdir(inbox)).filter((name) => name !== '.wds'));
  });

  test('a post with many alerts for one user is spread over as many files', async () => {
    const inbox = await makeInbox();
    const { posts } = await postsProcess(inbox);
    await posts.take(
      Array.from({ length: 64 }, (_, at) => alertFor('a', `${at}`)),
      undefined,
    );
    await posts.take([alertFor('a', 'last')], undefined);
    await posts.close();
    const files = await filesIn(inbox);
    expect(files).toHaveLength(65);
    expect(files.every((rows) => rows.length === 1)).toBe(true);
    expect(new Set(files.flat().map(({ alertMessage }) => alertMessage)).size).toBe(65);
  });

  test('nothing is taken once the API is being stopped', async () => {
    const { posts } = await postsProcess(await makeInbox());
    await posts.close();
    await expect(posts.take([alertFor('a')], undefined)).rejects.toThrow(NotTaken);
  });

  test('a process whose folder was taken over acknowledges nothing that it wrote there, and goes on in a new one', async () => {
    const inbox = await makeInbox();
    const { posts, entrance } = await postsProcess(inbox);
    await posts.take([alertFor('a')], undefined);
    const [name = ''] = await readdir(entrances(inbox));
    await rename(join(entrances(inbox), name), join(entrances(inbox), `${name}~other-1`));
    await mkdir(join(entrances(inbox), 'other-1'));
    await expect(posts.take([alertFor('b')], undefined)).rejects.toThrow(/taken for dead/);
    await posts.take([alertFor('c')], undefined);
    expect(entrance.instance).not.toBe(name);
    await posts.close();
    expect(usersIn(await filesIn(inbox))).toEqual([['c']]);
  });

  test('what cannot be written is refused, and taken once it can be', async () => {
    const inbox = await makeInbox();
    const { posts, entrance } = await postsProcess(inbox);
    await rm(entrance.folder, { recursive: true });
    await writeFile(entrance.folder, 'in the way');
    await expect(posts.take([alertFor('a')], 'k')).rejects.toThrow(NotTaken);
    await rm(entrance.folder);
    await mkdir(entrance.folder);
    expect(await posts.take([alertFor('a')], 'k')).toMatchObject({ kind: 'taken', again: false });
    await posts.close();
    expect(usersIn(await filesIn(inbox))).toEqual([['a']]);
  });
});

describe('what a process that was killed has left', () => {
  test('is handed over by the next one, without a torn row and without parts of posts', async () => {
    const inbox = await makeInbox();
    const first = `${FILE_START}${row('a', 'p1')}${row('b', 'p2', 1, 2)}${row('c', 'p3', 1, 2)}`;
    const second = `${FILE_START}${row('b', 'p2', 2, 2)}{"userId":"d","alertMess`;
    await leaveBehind(inbox, { 'posts-1.ndjson': first, 'posts-2.ndjson': second, 'upload-1': 'half' });
    await postsProcess(inbox);
    expect(usersIn(await filesIn(inbox))).toEqual([['a', 'b'], ['b']]);
    expect((await readdir(entrances(inbox))).filter((name) => name.startsWith('dead'))).toEqual([]);
  });

  test('is handed over once, whichever of two comes first', async () => {
    const inbox = await makeInbox();
    await leaveBehind(inbox, { 'posts-1.ndjson': `${FILE_START}${row('a', 'p1')}` });
    await Promise.all([postsProcess(inbox), postsProcess(inbox)]);
    expect(usersIn(await filesIn(inbox))).toEqual([['a']]);
  });

  test('makes the same file when whoever settled it was killed, too', async () => {
    const inbox = await makeInbox();
    const text = `${FILE_START}${row('a', 'p1')}${row('b', 'p2', 1, 2)}`;
    await leaveBehind(inbox, { 'posts-1.ndjson': text });
    await rename(join(entrances(inbox), 'dead-1'), join(entrances(inbox), 'dead-1~dead-2'));
    await postsProcess(inbox);
    expect(usersIn(await filesIn(inbox))).toEqual([['a']]);
    const before = await readFile(join(inbox, 'posts-1.ndjson'), 'utf8');
    await leaveBehind(inbox, { 'posts-1.ndjson': text });
    await postsProcess(inbox);
    expect(await readFile(join(inbox, 'posts-1.ndjson'), 'utf8')).toBe(before);
  });

  test('of a process that still runs nothing is touched', async () => {
    const inbox = await makeInbox();
    const { posts } = await postsProcess(inbox);
    await posts.take([alertFor('a')], undefined);
    await postsProcess(inbox);
    expect(await filesIn(inbox)).toEqual([]);
  });

  test('a writer that only slept adds nothing to what was handed over', async () => {
    const inbox = await makeInbox();
    await leaveBehind(inbox, { 'posts-1.ndjson': `${FILE_START}${row('a', 'p1')}` });
    const path = join(entrances(inbox), 'dead-1/posts-1.ndjson');
    const handle = await open(path, 'a');
    await postsProcess(inbox);
    await appendFile(handle, row('z', 'p9'));
    await handle.close();
    expect(usersIn(await filesIn(inbox))).toEqual([['a']]);
  });
});

describe('idempotency keys', () => {
  test('hold for every process of the inbox, and after a restart', async () => {
    const inbox = await makeInbox();
    const one = await postsProcess(inbox);
    const first = await one.posts.take([alertFor('a')], 'k');
    const two = await postsProcess(inbox);
    expect(await two.posts.take([alertFor('a')], 'k')).toMatchObject({ ...first, files: [], again: true });
    expect(await two.posts.take([alertFor('b')], 'k')).toEqual({ kind: 'other_alerts' });
    await one.posts.close();
    await one.entrance.close();
    const three = await postsProcess(inbox);
    expect(await three.posts.take([alertFor('a')], 'k')).toMatchObject({ kind: 'taken', again: true });
    await Promise.all([two, three].map(({ posts }) => posts.close()));
    expect(usersIn(await filesIn(inbox))).toEqual([['a']]);
  });

  test('sent many times at once, to two processes, are one post', async () => {
    const inbox = await makeInbox();
    const processes = [await postsProcess(inbox), await postsProcess(inbox)];
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, at) => processes[at % 2]!.posts.take([alertFor('a')], 'k')),
    );
    const taken = answers.filter((answer) => answer.kind === 'taken');
    expect(taken.filter((answer) => !answer.again)).toHaveLength(1);
    expect(new Set(taken.map(({ id }) => id)).size).toBe(1);
    expect(answers.every(({ kind }) => kind === 'taken' || kind === 'in_use')).toBe(true);
    await Promise.all(processes.map(({ posts }) => posts.close()));
    expect(usersIn(await filesIn(inbox))).toEqual([['a']]);
  });

  test('of a killed process: its post is known where it was on the disk, and else taken anew', async () => {
    const inbox = await makeInbox();
    const dying = await postsProcess(inbox);
    const written = await dying.posts.take([alertFor('a')], 'written');
    // Claimed, and killed before the row was written.
    const claims = join(inbox, '.wds/keys');
    const names = await readdir(claims, { recursive: true });
    const marks = names.filter((name) => name.endsWith('+'));
    expect(marks).toHaveLength(1);
    const [name = ''] = await readdir(entrances(inbox));
    const hash = keyHash('unwritten');
    const what = keyHash(JSON.stringify([['b', 'Hello']]));
    await mkdir(join(claims, hash.slice(0, 3)), { recursive: true });
    await symlink(`${what}.${name}.lost-post`, join(claims, hash.slice(0, 3), `${hash.slice(3)}.0`));
    // The mark of the other one is lost, too; its row is not.
    await rm(join(claims, marks[0]!));
    const next = await postsProcess(inbox);
    expect(await next.posts.take([alertFor('b')], 'unwritten')).toEqual({ kind: 'in_use' });
    await rename(join(entrances(inbox), name), join(entrances(inbox), 'dead-1'));
    await writeFile(join(entrances(inbox), 'dead-1/alive'), await deadIdentity());
    const after = await postsProcess(inbox);
    const { id } = written as { id: string };
    expect(await after.posts.take([alertFor('a')], 'written')).toMatchObject({ kind: 'taken', id, again: true });
    expect(await after.posts.take([alertFor('b')], 'unwritten')).toMatchObject({ kind: 'taken', again: false });
    await after.posts.close();
    expect(usersIn(await filesIn(inbox)).sort()).toEqual([['a'], ['b']]);
  });

  test('fit into a link without a block of its own, and those of before are understood', async () => {
    const inbox = await makeInbox();
    const folder = join(inbox, '.wds/keys');
    const keys = new PostKeys({ folder, instance: () => '4194304-0badcafe', isOver: async () => false });
    const [key, what, post] = [keyHash('new'), keyHash('alerts'), '1f0b6a52-0c2f-4f6c-9a43-5b1a7d3e9c10'];
    await keys.claim(key, what, post);
    await keys.mark(`${key}.0`, post);
    const [link = ''] = await readdir(join(folder, key.slice(0, 3)));
    expect((await readlink(join(folder, key.slice(0, 3), link))).length).toBeLessThan(60);
    expect(await keys.claim(key, what, 'another')).toEqual({ kind: 'known', post });
    expect(await keys.claim(key, keyHash('others'), 'another')).toEqual({ kind: 'other_alerts' });

    const before = keyHash('before');
    await mkdir(join(folder, before.slice(0, 3)), { recursive: true });
    const path = join(folder, before.slice(0, 3), `${before.slice(3)}.0`);
    await symlink(`${what}.1-0badcafe.${post}`, path);
    await symlink(post, `${path}+`);
    expect(await keys.claim(before, what, 'another')).toEqual({ kind: 'known', post });
    expect(await keys.claim(before, keyHash('others'), 'another')).toEqual({ kind: 'other_alerts' });
  });

  test('are forgotten after seven days, and swept away', async () => {
    const inbox = await makeInbox();
    let nowMs = Date.now();
    const keys = new PostKeys({
      folder: join(inbox, '.wds/keys'),
      instance: () => 'me',
      isOver: async () => true,
      nowMs: () => nowMs,
    });
    const key = 'abc'.padEnd(40, '0');
    const first = await keys.claim(key, 'x', 'p1');
    expect(first).toEqual({ kind: 'claimed', claim: { name: `${key}.0` } });
    await keys.mark(`${key}.0`, 'p1');
    nowMs += 6.9 * 24 * 3_600_000;
    expect(await keys.claim(key, 'x', 'p2')).toEqual({ kind: 'known', post: 'p1' });
    nowMs += 0.2 * 24 * 3_600_000;
    expect(await keys.claim(key, 'y', 'p3')).toMatchObject({ kind: 'claimed' });
    await keys.mark(`${key}.1`, 'p3');
    nowMs += 8 * 24 * 3_600_000;
    for (let shard = 0; shard < 4_096; shard++) await keys.sweepNext();
    expect(await readdir(join(inbox, '.wds/keys/abc'))).toEqual([]);
  });
});
