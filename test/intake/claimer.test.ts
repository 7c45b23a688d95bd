/** The race between the last look at a file and its claim. */
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ClaimFolder } from '../../src/intake/claim-folder.ts';
import { Claimer } from '../../src/intake/claimer.ts';
import type { DroppedFile, FilePlace } from '../../src/intake/dropped-file.ts';
import { Faults } from '../../src/intake/faults.ts';
import { FirstAsked } from '../../src/intake/first-asked.ts';
import { InboxFolder } from '../../src/intake/inbox-folder.ts';
import { newIdentity } from '../../src/intake/instance.ts';
import { speaker } from '../../src/intake/log.ts';
import { stagerOf } from '../../src/intake/stage.ts';
import { SubmissionQueue } from '../../src/intake/submission-queue.ts';
import type { Submission } from '../../src/intake/takers.ts';
import { UnderWay } from '../../src/intake/under-way.ts';
import type { Scene } from './support.ts';
import { csv, drop, filesIn, newScene, rememberingLogger, removeScene, until } from './support.ts';

let scene: Scene;
beforeEach(() => {
  scene = newScene();
});
afterEach(() => removeScene(scene));

/** Lets something happen to the file in the instant between the last look and the rename. */
class RacedClaimFolder extends ClaimFolder {
  race: (path: string) => void = () => undefined;
  override claim(file: FilePlace): Promise<string | undefined> {
    this.race(file.path);
    return super.claim(file);
  }
}

async function parts(race: (path: string) => void) {
  const log = rememberingLogger();
  const say = speaker(log, undefined);
  const nowMs = (): number => performance.now();
  const context = { times: { seenMs: 60, unseenMs: 200 }, writersAreLocal: true, nowMs };
  const claimFolder = new RacedClaimFolder(scene.inbox, newIdentity());
  claimFolder.race = race;
  await claimFolder.show(undefined, true);
  const submissions: Submission[] = [];
  const underWay = new UnderWay();
  const queue = new SubmissionQueue<DroppedFile>({
    stage: stagerOf(scene.store, { maxExpandedBytes: 1 << 20, maxFileBytes: undefined, now: () => new Date() }),
    holds: (file) => claimFolder.holds(file),
    finish: async (file) => {
      await claimFolder.finish(file, new Date());
    },
    firstAsked: new FirstAsked(scene.inbox),
    underWay,
    untilEnded: async () => undefined,
    takers: [
      {
        submit: async (submission) => {
          submissions.push(submission);
          return 'started';
        },
      },
    ],
    concurrency: 2,
    say,
    nowMs,
    unsettled: (file) => {
      file.changed();
      claimer.settle(file);
    },
    refused: async () => undefined,
    changed: () => undefined,
  });
  const inbox = new InboxFolder(scene.inbox, 'normal', context, say);
  const claimer: Claimer = new Claimer({
    folders: [inbox],
    claimFolder,
    queue,
    underWay,
    context,
    faults: new Faults(say),
    say,
  });
  const round = async (): Promise<void> => {
    await inbox.list();
    await claimer.lookAtDue();
    await claimer.claimComplete();
  };
  return { log, claimFolder, claimer, queue, submissions, round };
}

test('what replaced the file meanwhile, and is still being written, is read only when it is complete', async () => {
  let fd = -1;
  const { claimFolder, claimer, queue, submissions, round } = await parts((path) => {
    fd = openSync(join(scene.root, 'newer'), 'w');
    writeSync(fd, csv('new'));
    renameSync(join(scene.root, 'newer'), path);
  });
  drop(scene, 'a.csv', csv('old'));
  await until(
    async () => {
      await round();
      return claimer.claimed === 1;
    },
    () => 'not claimed',
  );
  for (let index = 0; index < 10; index += 1) await round();
  expect(submissions).toEqual([]);
  writeSync(fd, 'newer,hello\n');
  closeSync(fd);
  await until(
    async () => {
      await round();
      return submissions.length === 1;
    },
    () => 'not submitted',
  );
  expect(submissions[0]?.staged.sizeBytes).toBe(Buffer.byteLength(csv('new', 'newer')));
  await queue.stop();
  await claimFolder.close();
});

test('what was appended meanwhile is part of the file', async () => {
  const { claimFolder, queue, submissions, round } = await parts((path) => appendFileSync(path, 'bob,hello\n'));
  drop(scene, 'a.csv', csv('ann'));
  await until(
    async () => {
      await round();
      return submissions.length === 1;
    },
    () => 'not submitted',
  );
  expect(submissions[0]?.staged.sizeBytes).toBe(Buffer.byteLength(csv('ann', 'bob')));
  await queue.stop();
  await claimFolder.close();
});

test('a file that is gone meanwhile is forgotten', async () => {
  const { claimFolder, claimer, submissions, round } = await parts((path) => rmSync(path));
  drop(scene, 'a.csv', csv('ann'));
  await until(
    async () => {
      await round();
      return filesIn(scene.inbox).length === 0;
    },
    () => 'not tried',
  );
  await round();
  expect([submissions.length, claimer.claimed]).toEqual([0, 0]);
  await claimFolder.close();
});

test('a link that took the place of the file is given back unread, over nothing', async () => {
  const secret = join(scene.root, 'secret.csv');
  writeFileSync(secret, csv('secret'));
  const { claimFolder, log, claimer, submissions, round } = await parts((path) => {
    rmSync(path);
    symlinkSync(secret, path);
  });
  mkdirSync(join(scene.inbox, 'processed'));
  drop(scene, 'a.csv', csv('ann'));
  await until(
    async () => {
      await round();
      return log.lines.some(({ event }) => event === 'claim_given_back');
    },
    () => 'not given back',
  );
  expect(filesIn(scene.inbox)).toEqual(['a.csv']);
  expect([submissions.length, claimer.claimed]).toEqual([0, 0]);
  await claimFolder.close();
});

test('a claim that another watcher has taken over meanwhile is not submitted', async () => {
  const { claimFolder, claimer, queue, submissions, log, round } = await parts(() => undefined);
  const staged = scene.store.putHashed.bind(scene.store);
  // While the file is being staged, as in a process that is stopped there.
  scene.store.putHashed = async (...args) => {
    await staged(...args);
    const claims = join(scene.inbox, '.wds', 'claims');
    renameSync(join(claims, claimFolder.instance), join(claims, 'another'));
  };
  drop(scene, 'a.csv', csv('ann'));
  await until(
    async () => {
      await round();
      return log.lines.some(({ event }) => event === 'claim_gone');
    },
    () => 'not claimed',
  );
  expect([submissions, claimer.claimed]).toEqual([[], 0]);
  await queue.stop();
  await claimFolder.close();
});
