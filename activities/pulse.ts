/** Proof of life while an activity has nothing to count: reading many journals, or a slow disk, may take longer than the heartbeat timeout. */
import type { Clock } from '../src/clock.ts';
import { every } from '../src/clock.ts';

/** Far below the heartbeat timeout (workflows/activity-options.ts). */
export const PULSE_MS = 1_000;

/** Runs `work`, with a heartbeat every second until it has ended. What runs for ever is ended by the start-to-close timeout. */
export async function pulsing<T>(clock: Clock, heartbeat: () => void, work: () => Promise<T>): Promise<T> {
  const stop = every(clock, PULSE_MS, heartbeat);
  try {
    return await work();
  } finally {
    stop();
  }
}
