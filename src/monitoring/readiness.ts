/**
 * Whether a process can do its work just now, part by part. All parts are asked each time, side by side, and have two seconds to answer. Before
 * everything runs, and from when it is stopped on, the process is not ready.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { reasonOf } from '../thrown.ts';

const LIMIT_MS = 2_000;
/** What a part answers that has nothing wrong with it. */
export const OK = 'ok';

export interface ReadinessReport {
  readonly ready: boolean;
  /** By part; `ok`, or what is wrong with it. */
  readonly checks: Readonly<Record<string, string>>;
}

/** Answers `ok`, or what is wrong; what it throws is wrong as well. */
export type Check = () => string | Promise<string>;

export class Readiness {
  readonly #checks = new Map<string, Check>();
  #process = 'it is starting';

  /** Replaces an earlier one of this part. */
  add(part: string, check: Check): void {
    this.#checks.set(part, check);
  }

  /** All of it runs. */
  begun(): void {
    this.#process = OK;
  }

  ends(): void {
    this.#process = 'it is stopping';
  }

  async look(): Promise<ReadinessReport> {
    const asked = [...this.#checks].map(async ([part, check]) => [part, await answerOf(check)] as const);
    const parts = [['process', this.#process] as const, ...(await Promise.all(asked))];
    return { ready: parts.every(([, answer]) => answer === OK), checks: Object.fromEntries(parts) };
  }
}

async function answerOf(check: Check): Promise<string> {
  const done = new AbortController();
  const limit = sleep(LIMIT_MS, `no answer within ${LIMIT_MS / 1_000} s`, { signal: done.signal });
  limit.catch(() => undefined);
  try {
    return await Promise.race([(async () => check())(), limit]);
  } catch (error) {
    return reasonOf(error);
  } finally {
    done.abort();
  }
}
