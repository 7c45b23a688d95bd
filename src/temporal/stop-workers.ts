/**
 * Ends the workers of a process in good order: those that send go first, for they give their share of the rate back to a governor that the files worker
 * runs. Whether Temporal hears of it or not, a process ends within the 30 s that a supervisor waits (with the default timeout of requests).
 */
import type { RunningWorker } from './worker.ts';

/** Temporal was silent to those that stopped before: the others, and its own server, need not wait as long. */
const SILENT_MS = 1_000;

type Stoppable = Pick<RunningWorker, 'stop'>;

/**
 * `hurried`: what the files workers have to see to before they stop. `isHeard`: Temporal knows of it all; `silentMs`: how long its server may still take
 * where it does not.
 */
export async function stopWorkers(
  alerts: readonly Stoppable[],
  files: readonly Stoppable[],
  hurried: Promise<void> | undefined,
): Promise<{ readonly isHeard: boolean; readonly silentMs: number | undefined }> {
  const first = await Promise.allSettled(alerts.map((worker) => worker.stop()));
  await hurried;
  const silentMs = first.every(isHeard) ? undefined : SILENT_MS;
  const then = await Promise.allSettled(files.map((worker) => worker.stop(silentMs)));
  const heard = [...first, ...then].every(isHeard);
  return { isHeard: heard, silentMs: heard ? undefined : SILENT_MS };
}

/** One that failed has ended. */
const isHeard = (end: PromiseSettledResult<boolean>): boolean => end.status === 'rejected' || end.value;
