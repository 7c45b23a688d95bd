/** Proof of life while an activity has nothing to count: reading many journals, or a slow disk, may take longer than the heartbeat timeout. */

/** Far below the heartbeat timeout (workflows/activity-options.ts). */
export const PULSE_MS = 2_000;

/** Runs `work`, with a heartbeat every two seconds until it has ended. What runs for ever is ended by the start-to-close timeout. */
export async function pulsing<T>(heartbeat: () => void, work: () => Promise<T>): Promise<T> {
  const timer = setInterval(heartbeat, PULSE_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
