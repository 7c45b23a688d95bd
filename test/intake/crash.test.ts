// @slow: starts processes and kills them
/** Watchers in processes of their own, killed at every crash point of the arrival, and at random. */
import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { contentKey } from '../../src/store/layout.ts';
import type { Scene } from './support.ts';
import { csv, drop, filesIn, newScene, removeScene, until } from './support.ts';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
let emitted: string;
let scene: Scene;
let children: ChildProcess[] = [];

beforeAll(() => {
  emitted = mkdtempSync(join(tmpdir(), 'wds-watcher-process-'));
  writeFileSync(join(emitted, 'package.json'), '{"type":"module"}');
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
  const kind = [
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--verbatimModuleSyntax',
    '--rewriteRelativeImportExtensions',
  ];
  const how = ['--ignoreConfig', '--noCheck', '--rootDir', '.', '--outDir', emitted, ...kind];
  execFileSync(process.execPath, [tsc, ...how, 'test/intake/watcher-process.ts'], { cwd: checkout });
}, 60_000);
afterAll(() => rmSync(emitted, { recursive: true, force: true }));

beforeEach(() => {
  scene = newScene();
});
afterEach(async () => {
  await Promise.all(children.map((child) => killed(child)));
  children = [];
  removeScene(scene);
});

async function killed(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

interface Submitted {
  readonly sha256: string;
  readonly fileName: string;
  readonly priority: string;
}

const submissionsFile = (): string => join(scene.root, 'submissions');
function submissions(): Submitted[] {
  try {
    const lines = readFileSync(submissionsFile(), 'utf8').split('\n').filter(Boolean);
    return lines.map((line) => JSON.parse(line) as Submitted);
  } catch {
    return [];
  }
}
const processed = (): string[] => filesIn(join(scene.inbox, 'processed'));

function start(failpoint = ''): ChildProcess {
  const script = join(emitted, 'test/intake/watcher-process.js');
  const child = spawn(process.execPath, [script, scene.inbox, scene.storeFolder, submissionsFile()], {
    env: { ...process.env, WDS_FAILPOINT: failpoint },
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  children.push(child);
  return child;
}

const state = (): string =>
  `${submissions().length} submitted, ${processed().length} processed, ${filesIn(scene.inbox).length} in the inbox`;

test.each([
  ['arrival.claimed', 0],
  ['arrival.hashing', 0],
  ['arrival.staged', 0],
  // The start is known to the outside only: it is asked for again, and finds the workflow.
  ['arrival.started', 1],
] as const)(
  'killed at %s: the next watcher finishes the file, whole',
  async (point, before) => {
    const content = csv('ann', 'bob');
    drop(scene, 'a.csv', content);
    const first = start(`${point}:1`);
    await once(first, 'exit');
    expect(first.signalCode).toBe('SIGKILL');
    expect(submissions()).toHaveLength(before);
    expect(filesIn(scene.inbox)).toEqual([]);

    start();
    await until(() => processed().length === 1, state);
    expect(submissions()).toHaveLength(before + 1);
    const [one] = submissions();
    expect(one).toMatchObject({ fileName: 'a.csv', priority: 'normal' });
    expect((await scene.store.get(contentKey(one?.sha256 ?? '')))?.toString()).toBe(content);
    expect(await scene.store.list('incoming')).toEqual([]);
  },
  30_000,
);

test('a live watcher adopts what another one leaves at its death, and nothing of a live one', async () => {
  const first = start();
  const second = start();
  for (let index = 0; index < 300; index += 1) drop(scene, `f${index}.csv`, csv(`user${index}`));
  await until(() => submissions().length > 40, state);
  await killed(first);
  await until(() => processed().length === 300, state, 30_000);
  const hashes = submissions().map(({ sha256 }) => sha256);
  expect(new Set(hashes).size).toBe(300);
  // Twice only what the dead one had started and not moved: at most its four lanes.
  expect(hashes.length).toBeLessThanOrEqual(304);
  await killed(second, 'SIGTERM');
  expect(second.exitCode).toBe(0);
}, 60_000);

test('files that arrive while watchers are killed again and again are all delivered, whole', async () => {
  for (let round = 0; round < 6; round += 1) {
    const seen = submissions().length;
    const watcher = start();
    for (let index = 0; index < 15; index += 1) drop(scene, `r${round}-${index}.csv`, csv(`user${round}-${index}`));
    await until(() => submissions().length > seen + round, state);
    await killed(watcher);
  }
  start();
  await until(() => processed().length === 90, state, 30_000);
  expect(new Set(submissions().map(({ fileName }) => fileName)).size).toBe(90);
  for (const { sha256, fileName } of submissions()) {
    const user = fileName.replace(/^r/, 'user').replace('.csv', '');
    expect((await scene.store.get(contentKey(sha256)))?.toString()).toBe(csv(user));
  }
}, 60_000);

test('a watcher that hangs loses its claims after ten seconds; awake again it finishes nothing of what another one has', async () => {
  for (let index = 0; index < 200; index += 1) drop(scene, `f${index}.csv`, csv(`user${index}`));
  const first = start();
  await until(() => submissions().length > 5, state);
  first.kill('SIGSTOP');
  const count = submissions().length;
  const stoppedMs = performance.now();
  start();
  await until(() => processed().length === 200, state, 60_000);
  expect(count).toBeLessThan(200);
  expect(performance.now() - stoppedMs).toBeGreaterThan(9_000);
  // At most its four lanes: submitted, and not yet put away.
  const before = submissions().length;
  expect(before).toBeLessThanOrEqual(204);
  first.kill('SIGCONT');
  drop(scene, 'marker.csv', csv('marker'));
  await until(() => processed().length === 201, state, 30_000);
  await killed(first, 'SIGTERM');
  expect(first.exitCode).toBe(0);
  expect(submissions()).toHaveLength(before + 1);
  expect(new Set(submissions().map(({ fileName }) => fileName)).size).toBe(201);
}, 120_000);
