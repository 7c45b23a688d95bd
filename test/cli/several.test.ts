import { describe, expect, test } from 'vitest';
import type { StartedProcess } from '../../src/cli/several.ts';
import { runSeveral } from '../../src/cli/several.ts';
import { wds } from './fake-app.ts';

type End = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

class FakeProcesses {
  readonly running: { readonly end: (end: End) => void }[] = [];
  started = 0;
  stopped = 0;
  readonly start = (): StartedProcess => {
    this.started++;
    let end!: (end: End) => void;
    const ended = new Promise<End>((resolve) => {
      end = resolve;
    });
    this.running.push({ end });
    const stop = (): void => {
      this.stopped++;
      end({ code: 0, signal: null });
    };
    return { ended, stop };
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

describe('several processes', () => {
  test('end when they are told to', async () => {
    const processes = new FakeProcesses();
    const stop = new AbortController();
    const code = runSeveral({ count: 3, start: processes.start, signal: stop.signal, say: () => undefined });
    await turn();
    expect(processes.started).toBe(3);
    stop.abort();
    expect([await code, processes.stopped]).toEqual([0, 3]);
  });

  test('go on when one of them is killed, which is started again', async () => {
    const processes = new FakeProcesses();
    const stop = new AbortController();
    const said: string[] = [];
    const parts = { signal: stop.signal, say: (text: string) => said.push(text), againAfterMs: 1 };
    const code = runSeveral({ count: 2, start: processes.start, ...parts });
    await turn();
    processes.running[1]!.end({ code: null, signal: 'SIGKILL' });
    await turn();
    expect(processes.started).toBe(3);
    expect(said).toEqual(['process 2 of 2 was ended by SIGKILL; it is started again']);
    stop.abort();
    expect([await code, processes.stopped]).toEqual([0, 2]);
  });

  test('end with one that ends by itself, and with its code', async () => {
    const processes = new FakeProcesses();
    const code = runSeveral({
      ...{ count: 3, start: processes.start, signal: new AbortController().signal },
      say: () => undefined,
    });
    await turn();
    processes.running[0]!.end({ code: 2, signal: null });
    expect([await code, processes.started, processes.stopped]).toEqual([2, 3, 2]);
  });
});

describe('wds worker --processes', () => {
  const URL = ['--url', 'http://127.0.0.1:9/hook'];

  test('runs its own command line again, as one process each', async () => {
    const started: (readonly string[])[] = [];
    const startAgain = (flags: readonly string[]): StartedProcess => {
      started.push(flags);
      return { ended: Promise.resolve({ code: 0, signal: null }), stop: () => undefined };
    };
    expect((await wds(['worker', ...URL, '--processes', '4'], { startAgain })).code).toBe(0);
    expect(started).toEqual(Array.from({ length: 4 }, () => ['--processes', '1']));
  });

  test('says what is wrong before it starts any', async () => {
    const startAgain = (): never => {
      throw new Error('started');
    };
    expect(await wds(['worker', '--processes', '4'], { startAgain })).toMatchObject({ code: 2 });
    for (const count of ['0', '65', '1.5', 'many']) {
      const { code, err } = await wds(['worker', ...URL, '--processes', count], { startAgain });
      expect([code, err]).toEqual([2, expect.stringContaining('a whole number from 1 to 64')]);
    }
  });
});
