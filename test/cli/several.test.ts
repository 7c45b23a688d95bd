import { describe, expect, test } from 'vitest';
import type { StartedProcess } from '../../src/cli/several.ts';
import { growWithWork, processesForCores, runSeveral } from '../../src/cli/several.ts';
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

describe('processes beside a busy one', () => {
  const begin = (shares: readonly number[], most = 1) => {
    const processes = new FakeProcesses();
    const stop = new AbortController();
    const said: string[] = [];
    let look = 0;
    const grown = growWithWork({
      ...{ most, start: processes.start, signal: stop.signal, lookEveryMs: 1, againAfterMs: 1 },
      say: (text) => said.push(text),
      // The first call only begins the first span of time.
      busy: () => shares[look++ - 1] ?? 0,
    });
    const end = async (): Promise<void> => {
      stop.abort();
      await grown;
    };
    return { processes, said, end };
  };

  test('are started only when it is busy for three looks, and not again for the same ones', async () => {
    const { processes, said, end } = begin([1, 1, 0.5, 1, 1, 1, 1, 1], 3);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([processes.started, said]).toEqual([
      1,
      ['this process has more work than a core can do: process 2 of 4 is started'],
    ]);
    await end();
    expect(processes.stopped).toBe(1);
  });

  test('are as many as may be at most, and none where none may be', async () => {
    const busy = Array.from({ length: 1_000 }, () => 0.9);
    const [two, none] = [begin(busy, 2), begin(busy, 0)];
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([two.processes.started, none.processes.started]).toEqual([2, 0]);
    await Promise.all([two.end(), none.end()]);
  });

  test('that end by themselves are told, and not started again', async () => {
    const { processes, said, end } = begin([1, 1, 1]);
    await new Promise((resolve) => setTimeout(resolve, 30));
    processes.running[0]!.end({ code: 2, signal: null });
    await turn();
    expect(said.at(-1)).toBe('process 2 of 2 has ended with exit code 2; the others go on');
    await end();
    expect(processes.started).toBe(1);
  });

  test('a machine has cores for four at most, and the embedded server wants one of them', () => {
    expect([1, 2, 4, 16].map((cores) => processesForCores(true, cores))).toEqual([1, 1, 3, 4]);
    expect([1, 2, 4, 16].map((cores) => processesForCores(false, cores))).toEqual([1, 2, 4, 4]);
  });
});

test('a process that another one has started leaves it to that one to say that they stop', async () => {
  for (const isStarted of [false, true]) {
    const stop = new AbortController();
    const { err } = await wds(['worker', '--url', 'http://127.0.0.1:9/hook'], {
      ...{ isStarted, signal: stop.signal },
      app: { worker: async () => stop.abort() },
    });
    expect(err.includes('Stopping')).toBe(!isStarted);
  }
});

describe('wds worker --processes', () => {
  const URL = ['--url', 'http://127.0.0.1:9/hook'];

  test('runs its own command line again, as one process each', async () => {
    const started: (readonly string[])[] = [];
    const startProcess = (args: readonly string[]): StartedProcess => {
      started.push(args);
      return { ended: Promise.resolve({ code: 0, signal: null }), stop: () => undefined };
    };
    expect((await wds(['worker', ...URL, '--processes', '4'], { startProcess })).code).toBe(0);
    const line = ['worker', '--processes=4', `--url=${URL[1]}`, '--processes=1'];
    expect(started).toEqual(Array.from({ length: 4 }, () => line));
  });

  test('says what is wrong before it starts any', async () => {
    const startProcess = (): never => {
      throw new Error('started');
    };
    expect(await wds(['worker', '--processes', '4'], { startProcess })).toMatchObject({ code: 2 });
    for (const count of ['0', '65', '1.5', 'many']) {
      const { code, err } = await wds(['worker', ...URL, '--processes', count], { startProcess });
      expect([code, err]).toEqual([2, expect.stringContaining('a whole number from 1 to 64')]);
    }
  });
});
