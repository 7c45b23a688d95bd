/** Proof of life while an activity has nothing to count: reading many journals, or a slow disk, may take longer than the heartbeat timeout. */
import type { Clock } from '../src/clock.ts';
import { every } from '../src/clock.ts';

/** Far below the heartbeat timeout (workflows/activity-options.ts). */
const PULSE_MS = 2_000;
/** A heartbeat is a request, and on Temporal Cloud an action that is paid for: a batch, which takes five seconds at most, needs none. */
const FIRST_PULSE_MS = 6_000;

/** Runs `work`, with heartbeats until it has ended. What runs for ever is ended by the start-to-close timeout. */
export async function pulsing<T>(clock: Clock, heartbeat: () => void, work: () => Promise<T>): Promise<T> {
  let stop = clock.after(FIRST_PULSE_MS, () => {
    stop = every(clock, PULSE_MS, heartbeat);
    heartbeat();
  });
  try {
    return await work();
  } finally {
    stop();
  }
}
