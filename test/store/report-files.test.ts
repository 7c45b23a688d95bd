// @slow: waits for writers that are gone
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ReportFiles } from '../../src/store/report-files.ts';

/** Called before each call of the file system that changes or looks at something; may wait, or throw. */
let before: (call: string, args: readonly unknown[]) => Promise<void> | void = () => undefined;

vi.mock('node:fs/promises', async (importActual) => {
  const actual = await importActual<Record<string, (...args: unknown[]) => Promise<unknown>>>();
  const watched = ['mkdir', 'open', 'readdir', 'readFile', 'rename', 'rm', 'stat'].map((name) => [
    name,
    async (...args: unknown[]) => {
      await before(name, args);
      return actual[name]!(...args);
    },
  ]);
  return { ...actual, ...Object.fromEntries(watched) };
});

const NAMES = ['receipts.csv', 'failed.csv', 'report.json'];
const HEADERS = Object.fromEntries(NAMES.map((name) => [name, '']));
let root: string;
const folder = (): string => join(root, 'alerts');
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'wds-reports-'));
  before = () => undefined;
});
afterEach(() => rmSync(root, { recursive: true }));

/** Begins a report and writes all of it; each file says whose it is. */
async function begin(mark: string): Promise<ReportFiles> {
  const files = await ReportFiles.open(root, 'alerts', HEADERS);
  await files.append('receipts.csv', mark);
  await files.append('failed.csv', mark);
  await files.append('report.json', JSON.stringify({ mark, number: files.number }));
  return files;
}

/** Whose files stand there, by name. */
function marks(): Record<string, string> {
  const marksOf = (name: string): string => {
    const text = readFileSync(join(folder(), name), 'utf8');
    return name === 'report.json' ? (JSON.parse(text) as { mark: string }).mark : text;
  };
  return Object.fromEntries(readdirSync(folder()).map((name) => [name, marksOf(name)]));
}
const whole = (mark: string) => Object.fromEntries(NAMES.map((name) => [name, mark]));

/** Runs `act`, and `meanwhile` before its step number `at`; false: it has fewer steps. */
async function interrupted(at: number, act: () => Promise<unknown>, meanwhile: () => unknown): Promise<boolean> {
  let steps = 0;
  before = async (call) => {
    // The syncs of a folder, which writers share in one process: nobody gets past one that hangs.
    if (call === 'open' || steps++ !== at) return;
    before = () => undefined;
    await meanwhile();
  };
  await act();
  before = () => undefined;
  return steps > at;
}

describe('a report that is begun later', () => {
  test('is never replaced by an earlier one, at whichever step that hangs and goes on', async () => {
    for (let step = 0; ; step++) {
      rmSync(folder(), { recursive: true, force: true });
      await (await begin('before')).publish();
      const hanging = await begin('hanging');
      const newer = await begin('newer');
      const wasHanging = await interrupted(
        step,
        () => hanging.publish(),
        () => newer.publish(),
      );
      if (!wasHanging) {
        expect(step).toBeGreaterThan(5);
        expect(marks()).toEqual(whole('hanging'));
        return;
      }
      expect({ step, ...marks() }).toEqual({ step, ...whole('newer') });
    }
  });

  test('is not replaced by one that hung while it was taking its number, or it is one that was begun later still', async () => {
    for (let step = 0; ; step++) {
      rmSync(root, { recursive: true });
      await (await begin('before')).publish();
      let hanging: ReportFiles | undefined;
      const wasHanging = await interrupted(
        step,
        async () => {
          hanging = await begin('hanging');
        },
        async () => {
          for (const mark of ['second', 'third']) await (await begin(mark)).publish();
        },
      );
      await hanging!.publish();
      expect({ step, ...marks() }).toEqual({ step, ...whole('hanging') });
      const { number } = JSON.parse(readFileSync(join(folder(), 'report.json'), 'utf8')) as { number: number };
      expect(number).toBeGreaterThanOrEqual(wasHanging ? 4 : 2);
      if (!wasHanging) return;
    }
  });

  test('is waited for where it is under way, and missed where its writer died there', async () => {
    const hanging = await begin('hanging');
    const dying = await begin('dying');
    const dies = async (): Promise<void> => {
      let renames = 0;
      before = (call) => {
        // The one folder that is fenced off, then the first of its own files.
        if (call === 'rename' && ++renames === 3) throw new Error('killed');
      };
      await expect(dying.publish()).rejects.toThrow();
      before = () => undefined;
    };
    await interrupted(
      3,
      async () => {
        await expect(hanging.publish()).rejects.toMatchObject({ code: 'store' });
      },
      dies,
    );
    expect(marks()).not.toHaveProperty('report.json');
    await (await begin('next')).publish();
    expect(marks()).toEqual(whole('next'));
  });
});

describe('a writer that dies', () => {
  test('leaves a whole report or none, at whichever step, and the next one takes its place', async () => {
    for (let step = 0; ; step++) {
      rmSync(folder(), { recursive: true, force: true });
      await (await begin('before')).publish();
      const dying = await begin('dying');
      let killed = false;
      await interrupted(
        step,
        () => dying.publish().catch(() => (killed = true)),
        () => Promise.reject(new Error('killed')),
      );
      const left = marks();
      if ('report.json' in left) expect({ step, ...left }).toEqual({ step, ...whole(left['report.json']!) });
      await (await begin('next')).publish();
      expect(marks()).toEqual(whole('next'));
      if (!killed) return;
    }
  });
});

describe('a loss of power', () => {
  test('leaves a whole report or none: what was synced is there, and of the rest any part', async () => {
    await (await begin('old')).publish();
    const next = await begin('new');
    interface Change {
      readonly name: string;
      readonly mark: string | undefined;
    }
    let synced: Record<string, string> = whole('old');
    let unsynced: Change[] = [];
    let looks = 0;
    /** All states in which the disk may be found. */
    const look = (): void => {
      for (let part = 0; part < 2 ** unsynced.length; part++) {
        const found: Record<string, string> = { ...synced };
        unsynced.forEach(({ name, mark }, at) => {
          if (!(part & (1 << at))) return;
          if (mark === undefined) delete found[name];
          else found[name] = mark;
        });
        looks++;
        const summary = found['report.json'];
        if (summary !== undefined) expect(found).toEqual(whole(summary));
      }
    };
    before = (call, [from, to]) => {
      look();
      if (call === 'open' && from === folder()) {
        for (const { name, mark } of unsynced) {
          if (mark === undefined) delete synced[name];
          else synced[name] = mark;
        }
        synced = { ...synced };
        unsynced = [];
      }
      if (call !== 'rename') return;
      if (dirname(String(from)) === folder()) unsynced.push({ name: basename(String(from)), mark: undefined });
      else if (dirname(String(to)) === folder()) unsynced.push({ name: basename(String(to)), mark: 'new' });
    };
    await next.publish();
    look();
    expect(looks).toBeGreaterThan(10);
    expect(unsynced).toEqual([]);
    expect(synced).toEqual(whole('new'));
  });
});

test('what is kept for the order of reports is one empty folder a report', async () => {
  for (const mark of ['one', 'two', 'three']) await (await begin(mark)).publish();
  await (await begin('given up')).discard();
  const drafts = join(root, '.writing', 'alerts');
  expect(readdirSync(drafts)).toEqual(['3']);
  expect(readdirSync(join(drafts, '3'))).toEqual([]);
  expect(marks()).toEqual(whole('three'));
});
