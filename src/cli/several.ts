/**
 * Workers in several processes, for a host with many cores: Node runs on one of them. One that was killed is started again; one that ends by itself
 * has its reason, which would be the next one's, too.
 */
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidArgumentError } from 'commander';

export interface StartedProcess {
  /** `code`: null where a signal ended it. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** As a SIGTERM does. */
  stop(): void;
}

interface Started {
  readonly start: () => StartedProcess;
  /** Stops them. */
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
  readonly againAfterMs?: number;
}

export interface Several extends Started {
  readonly count: number;
}

export interface Growth extends Started {
  /** Beside this one. */
  readonly most: number;
  /** Share of the time since the last call that this process was at work, 0 to 1. */
  readonly busy: () => number;
  readonly lookEveryMs?: number;
}

const MOST_PROCESSES = 64;
const MOST_BY_ITSELF = 4;
const AGAIN_AFTER_MS = 1_000;
const LOOK_EVERY_MS = 1_000;
/** A process that is as busy as this is slowed down by itself. */
const BUSY = 0.85;
/** One look may be the start of a file, or a report. */
const BUSY_LOOKS = 3;

/** Parser of `--processes`. */
export function processCount(text: string): number {
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= MOST_PROCESSES) return count;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${MOST_PROCESSES}.`);
}

/** What this machine has cores for. `serverBeside`: the embedded Temporal server wants one, too. */
export function processesForCores(serverBeside: boolean, cores = availableParallelism()): number {
  return Math.min(MOST_BY_ITSELF, Math.max(1, cores - (serverBeside ? 1 : 0)));
}

/** Runs `count` of them, and only looks after them. Resolves to the exit code when all have ended: with one that ends by itself all do. */
export async function runSeveral({
  count,
  start,
  signal,
  say,
  againAfterMs = AGAIN_AFTER_MS,
}: Several): Promise<number> {
  const ending = new AbortController();
  const stopping = AbortSignal.any([signal, ending.signal]);
  const runOne = async (number: number): Promise<number> => {
    while (!stopping.aborted) {
      const started = start();
      const stop = (): void => started.stop();
      stopping.addEventListener('abort', stop, { once: true });
      const { code, signal: killedBy } = await started.ended;
      stopping.removeEventListener('abort', stop);
      if (stopping.aborted) return code ?? 0;
      if (code !== null) {
        ending.abort();
        return code;
      }
      say(`process ${number} of ${count} was ended by ${killedBy}; it is started again`);
      await sleep(againAfterMs, undefined, { signal: stopping }).catch(() => undefined);
    }
    return 0;
  };
  const codes = await Promise.all(Array.from({ length: count }, (_, index) => runOne(index + 1)));
  return Math.max(...codes);
}

/**
 * One more at a time, each when this process has been busy for some looks: little work costs no memory. Resolves when all have ended. One that ends
 * by itself is told, and missed by nobody: this process does the same work.
 */
export async function growWithWork({ most, busy, lookEveryMs = LOOK_EVERY_MS, ...parts }: Growth): Promise<void> {
  const { signal, say } = parts;
  const running: Promise<void>[] = [];
  let busyLooks = 0;
  busy();
  while (running.length < most && !signal.aborted) {
    await sleep(lookEveryMs, undefined, { signal }).catch(() => undefined);
    busyLooks = busy() >= BUSY ? busyLooks + 1 : 0;
    if (busyLooks < BUSY_LOOKS || signal.aborted) continue;
    busyLooks = 0;
    const number = running.length + 2;
    say(`this process has more work than a core can do: process ${number} of ${most + 1} is started`);
    const one = async (): Promise<void> => {
      const code = await runSeveral({ ...parts, count: 1 });
      if (!signal.aborted) say(`process ${number} of ${most + 1} has ended with exit code ${code}; the others go on`);
    };
    running.push(one());
  }
  await Promise.all(running);
}
