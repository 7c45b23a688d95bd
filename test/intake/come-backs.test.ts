// @slow: waits for files to settle
/** Writers that open their file again for each piece: what they write is taken whole where that can be told, and reported where it cannot. */
import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DetectedFormat } from '../../src/formats/detect.ts';
import { ComeBacks } from '../../src/intake/come-backs.ts';
import { readEnds } from '../../src/intake/file-ends.ts';
import type { Scene, Watched } from './support.ts';
import { csv, drop, newScene, removeScene, until, watchScene } from './support.ts';

let scene: Scene;
let watched: Watched;
beforeEach(async () => {
  scene = newScene();
  watched = watchScene(scene, { settle: { seenMs: 300, unseenMs: 2_000 } });
  await watched.watcher.ready;
});
afterEach(async () => {
  await watched.watcher.close();
  removeScene(scene);
});

const sizes = (): number[] => watched.submissions.map(({ staged }) => staged.sizeBytes);
const taken = (count: number): Promise<void> =>
  until(
    () => watched.submissions.length === count,
    () => `${sizes()} taken; ${JSON.stringify(watched.log.lines)}`,
  );
const rests = () => watched.log.lines.filter(({ event }) => event === 'file_rest');

describe('a writer that comes back', () => {
  test('is waited for once its file has grown: longer than the settle time', async () => {
    const path = drop(scene, 'slow.csv', csv('ann'));
    for (let piece = 0; piece < 5; piece += 1) {
      // The first pause is within the settle time, the later ones are not.
      await sleep(piece === 0 ? 150 : 600);
      appendFileSync(path, `user${piece},hello\n`);
    }
    await taken(1);
    expect(sizes()).toEqual([csv('ann', 'user0', 'user1', 'user2', 'user3', 'user4').length]);
    expect(rests()).toEqual([]);
  });

  test('is waited for when its file ends in mid-row', async () => {
    const path = drop(scene, 'slow.csv', 'userId,alertMessage\nann,hel');
    await sleep(700);
    appendFileSync(path, 'lo\nbob,hello\n');
    await taken(1);
    expect(sizes()).toEqual([csv('ann', 'bob').length]);
  });

  test('too late is told so in plain words, once, and the rest is one file', async () => {
    const path = drop(scene, 'slow.csv', csv('ann'));
    await taken(1);
    for (const user of ['bob', 'cid', 'dan']) {
      appendFileSync(path, `${user},hello\n`);
      await sleep(600);
    }
    await taken(2);
    expect(sizes()[1]).toBe('bob,hello\n'.length * 3);
    expect(rests()).toEqual([
      expect.objectContaining({
        level: 'warn',
        file: 'slow.csv',
        reason: expect.stringMatching(/first part was taken \d+ s ago/),
      }),
    ]);
    expect(rests()[0]?.message).toMatch(/rename it when it is whole/);
  });

  test('is not seen in another file of that name, nor in one that was renamed', async () => {
    drop(scene, 'daily.csv', csv('ann'));
    await taken(1);
    drop(scene, 'daily.csv', csv('bob'));
    await taken(2);
    writeFileSync(join(scene.root, 'daily.csv'), 'no,header\n');
    renameSync(join(scene.root, 'daily.csv'), join(scene.inbox, 'daily.csv'));
    await taken(3);
    expect(rests()).toEqual([]);
  });
});

describe('the ends of a file', () => {
  const kind = (format: DetectedFormat['format'], gzip = false): DetectedFormat => ({ format, gzip });

  test.each([
    ['csv', 'a,b\n1,2\n', true],
    ['csv', 'a,b\r\n1,2\r\n', true],
    ['csv', 'a,b\n1,2', false],
    ['csv', 'a,b\n1,2\n\u001a', true],
    ['csv', '', true],
    ['ndjson', '{"a":1}\n', true],
    ['ndjson', '{"a":1}', true],
    ['ndjson', '{"a":1}\n{"a', false],
    ['json', '[{"a":1}]', true],
    ['json', '[{"a":1}]\n \n', true],
    ['json', '[{"a":1},\n', false],
  ] as const)('%s %j: whole %s', async (format, content, whole) => {
    for (const encoding of ['utf8', 'utf16le'] as const) {
      const path = join(scene.root, `x.${encoding}`);
      // Longer than what is read of its beginning, too.
      for (const before of ['', 'x'.repeat(700)]) {
        writeFileSync(path, content === '' ? '' : before + content, encoding);
        expect((await readEnds(path, kind(format)))?.endsWithRow, `${encoding} ${before.length}`).toBe(whole);
      }
    }
  });

  test('of a compressed file, or one that is gone, tell nothing', async () => {
    expect(await readEnds(join(scene.root, 'nothing.csv'), kind('csv'))).toBeUndefined();
    expect(await readEnds(join(scene.root, 'a.csv.gz'), kind('csv', true))).toBeUndefined();
  });

  test('tell the rest of a headerless file only by how the first part ended', () => {
    const headerless = new ComeBacks(false);
    const file = (firstLine: string, endsWithRow: boolean) => ({
      ...{ path: 'a.csv', kind: kind('csv'), whole: false, ends: { firstLine, endsWithRow } },
    });
    headerless.remember(file('ann,1', true), 0);
    expect(headerless.restOf(file('bob,2', true), 1_000)).toBeUndefined();
    headerless.remember(file('ann,1', false), 0);
    expect(headerless.restOf(file('bob,2', true), 1_000)).toBe(1_000);
    expect(headerless.restOf(file('bob,2', true), 700_000)).toBeUndefined();
  });
});
