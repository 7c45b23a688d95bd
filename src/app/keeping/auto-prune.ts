/**
 * Prunes again and again, in a watcher or a files worker, for as long as the process runs; a watcher also removes the dropped files of users who were
 * forgotten on another host. Several may do so at once: what is gone is gone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { RetainMs, Settings } from '../../config/settings.ts';
import { DAY_MS } from '../../config/settings.ts';
import { bytesText } from '../../domain/progress/bytes-text.ts';
import { reasonOf } from '../../thrown.ts';
import { removeForgotten } from './forgotten.ts';
import type { House } from './house.ts';
import type { PruneResult } from './prune.ts';
import { prune } from './prune.ts';

const FIRST_AFTER_MS = 10_000;
const EVERY_MS = 3_600_000;
/** A bucket is listed, and each listing is paid for. */
const BUCKET_EVERY_MS = 6 * EVERY_MS;

export interface AutoPruneOptions {
  readonly house: House;
  readonly settings: Pick<Settings, 'retainMs' | 'statedDelivery' | 'store'>;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly firstAfterMs?: number;
}

/** Resolves when the signal aborts; at once where nothing is to be pruned. */
export async function pruneForEver(options: AutoPruneOptions): Promise<void> {
  const { settings, signal, house, firstAfterMs = FIRST_AFTER_MS } = options;
  const shortestMs = Math.min(...Object.values(settings.retainMs));
  const prunes = Number.isFinite(shortestMs);
  if (!prunes && house.inboxes.length === 0) return;
  const longestMs = settings.store === undefined ? EVERY_MS : BUCKET_EVERY_MS;
  const pruneEveryMs = Math.min(longestMs, Math.max(firstAfterMs, shortestMs / 24));
  const faults = new Faults(options.logger);
  let forgotten: ReadonlySet<string> = new Set();
  let prunedMs = Number.NEGATIVE_INFINITY;
  for (let waitMs = firstAfterMs; ; waitMs = Math.min(EVERY_MS, pruneEveryMs)) {
    await sleep(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted) return;
    await faults.guard(async () => {
      if (house.inboxes.length > 0) forgotten = await removeForgotten(house, forgotten);
      // Timers are a little early at times.
      if (!prunes || performance.now() - prunedMs < pruneEveryMs - firstAfterMs / 2) return;
      await pruneOnce(options, settings.retainMs);
      prunedMs = performance.now();
    });
  }
}

async function pruneOnce({ house, settings, logger, signal }: AutoPruneOptions, retainMs: RetainMs): Promise<void> {
  const onceMs = settings.statedDelivery.onceDays * DAY_MS;
  const result = await prune(house, { retainMs, onceMs, signal, force: false, dryRun: false, nowMs: Date.now() });
  if (result.files.length === 0) return;
  const parts = Object.fromEntries(Object.entries(result.parts).filter(([, { files }]) => files > 0));
  logger.info({ event: 'pruned', files: result.files.length, bytes: result.bytes, parts }, prunedLine(result));
}

function prunedLine({ files, bytes, kept }: PruneResult): string {
  const stay = kept.length === 0 ? '' : `; ${kept.length} stay, wds prune --dry-run says why`;
  return `pruned parts of ${files.length === 1 ? '1 file' : `${files.length} files`}, ${bytesText(bytes)}${stay}`;
}

/** Said when it begins, and when it is over. */
class Faults {
  readonly #logger: Logger;
  #failing = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  async guard(act: () => Promise<void>): Promise<void> {
    try {
      await act();
      if (this.#failing) this.#logger.info({ event: 'prune_recovered' }, 'pruning works again');
      this.#failing = false;
    } catch (error) {
      if (!this.#failing)
        this.#logger.warn({ event: 'prune_failing', reason: reasonOf(error) }, 'cannot prune; tried again');
      this.#failing = true;
    }
  }
}
