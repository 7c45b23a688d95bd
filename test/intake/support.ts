/** Real folders, a store, a logger that remembers, and waiting on conditions with a deadline, for the tests of the intake. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IntakeFields, IntakeLogger } from '../../src/intake/log.ts';
import type { Submission, Submit, SubmitResult } from '../../src/intake/takers.ts';
import type { Watcher, WatchOptions } from '../../src/intake/watch-options.ts';
import { watchInbox } from '../../src/intake/watcher.ts';
import { FolderStore } from '../../src/store/folder-store.ts';

export interface Scene {
  readonly root: string;
  readonly inbox: string;
  readonly store: FolderStore;
  readonly storeFolder: string;
}

export function newScene(): Scene {
  const root = mkdtempSync(join(tmpdir(), 'wds-intake-'));
  const [inbox, storeFolder] = [join(root, 'inbox'), join(root, 'store')];
  mkdirSync(inbox);
  return { root, inbox, storeFolder, store: new FolderStore(storeFolder) };
}

export const removeScene = (scene: Scene): void => rmSync(scene.root, { recursive: true, force: true });

/** Files of a folder by name, without folders; empty where there is none. */
export function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => entry.name)
      .sort();
  } catch {
    return [];
  }
}

/** Waits until `condition` is true; throws what `describe` says when the deadline passes. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: () => string,
  deadlineMs = 15_000,
): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`still not so after ${deadlineMs} ms: ${what()}`);
    await sleep(20);
  }
}

export interface RememberingLogger extends IntakeLogger {
  readonly lines: (IntakeFields & { readonly level: string; readonly message: string })[];
}

export function rememberingLogger(): RememberingLogger {
  const lines: RememberingLogger['lines'] = [];
  const at = (level: string) => (fields: IntakeFields, message: string) => {
    lines.push({ ...fields, level, message });
  };
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

export interface Watched {
  readonly watcher: Watcher;
  readonly log: RememberingLogger;
  readonly submissions: Submission[];
}

/** A watcher on the scene's inbox whose submissions are remembered. Settle time 100 ms, unless stated. */
export function watchScene(
  scene: Scene,
  options: Partial<WatchOptions> = {},
  submit: Submit = async (): Promise<SubmitResult> => 'started',
): Watched {
  const log = rememberingLogger();
  const submissions: Submission[] = [];
  const { inbox, store } = scene;
  const own = { inbox, store, maxExpandedBytes: 1 << 30, log };
  const quick = { settle: { seenMs: 100, unseenMs: 1_000 }, writersAreLocal: true, scanIntervalMs: 300 };
  const remembered: Submit = async (submission) => {
    const result = await submit(submission);
    submissions.push(submission);
    return result;
  };
  const watcher = watchInbox({ ...own, ...quick, ...options }, [{ submit: remembered }]);
  return { watcher, log, submissions };
}

export const csv = (...users: string[]): string =>
  `userId,alertMessage\n${users.map((user) => `${user},hello\n`).join('')}`;

export function drop(scene: Scene, name: string, content: string | Buffer): string {
  const path = join(scene.inbox, name);
  writeFileSync(path, content);
  return path;
}
