/** Looks at many files at once: samples of each, and one look at the processes for all of them. */
import { allTold } from './arrivals.ts';
import type { CompletenessContext, DroppedFile } from './dropped-file.ts';
import { fileIdentity, findOpenWriters } from './open-writers.ts';

/** Looks run at once. Each is one lstat in libuv's pool. */
const LOOKS_AT_ONCE = 16;
/** While a file is held open: between looks at the processes, so many times as long as a look takes. */
const HELD_PAUSE_FACTOR = 20;
const MIN_HELD_PAUSE_MS = 150;
const MAX_HELD_PAUSE_MS = 2_000;

export async function lookAtAll(
  files: Iterable<DroppedFile>,
  look: (file: DroppedFile) => Promise<unknown>,
): Promise<void> {
  const iterator = files[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) await look(next.value);
  };
  await Promise.all(Array.from({ length: LOOKS_AT_ONCE }, lane));
}

/**
 * Which of the files, all looked at just now, are complete? The others are due again later. `isWhole`: of one that seems to have come by a rename,
 * whether it still does when all has been told that happened before the look at the processes.
 */
export async function findComplete(
  files: readonly DroppedFile[],
  context: CompletenessContext,
  isWhole: (file: DroppedFile) => boolean,
): Promise<DroppedFile[]> {
  const { nowMs, times } = context;
  const settled = files.filter((file) => file.mayBeComplete(times));
  if (settled.length === 0) return [];
  const startedMs = nowMs();
  const sight = await findOpenWriters(new Set(settled.flatMap(({ sample }) => (sample ? [fileIdentity(sample)] : []))));
  await allTold();
  for (const file of settled) if (file.whole && !isWhole(file)) file.arrivedWhole(false);
  const endedMs = nowMs();
  const pauseMs = Math.min(Math.max((endedMs - startedMs) * HELD_PAUSE_FACTOR, MIN_HELD_PAUSE_MS), MAX_HELD_PAUSE_MS);
  for (const file of settled) file.judge(sight, context, endedMs + pauseMs);
  return settled.filter(({ complete }) => complete);
}
