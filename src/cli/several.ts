/**
 * One command line in several processes, for a host with many cores: Node runs on one of them. The first process only looks after the others. One
 * that was killed is started again; one that ends by itself has its reason, which would be the next one's, too: all of them end with its code.
 */
import { setTimeout as sleep } from 'node:timers/promises';

export interface StartedProcess {
  /** `code`: null where a signal ended it. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** As a SIGTERM does. */
  stop(): void;
}

export interface Several {
  readonly count: number;
  readonly start: () => StartedProcess;
  /** Stops them. */
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
  readonly againAfterMs?: number;
}

const AGAIN_AFTER_MS = 1_000;

/** Resolves to the exit code when all of them have ended. */
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
