/** Waiting for a condition, with a deadline: the only way in which these tests let time pass. */
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 15;
export const DEFAULT_LIMIT_MS = 160_000;

/** Resolves to the first value of `probe` that is neither undefined nor false. Throws, naming `what`, when none comes in time. */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  limitMs = DEFAULT_LIMIT_MS,
): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`not within ${limitMs / 1_000} s: ${what}`);
    await sleep(POLL_MS);
  }
}
