/** `wds prune`, as a command asks for it: opens what it needs, and closes it. */
import type { Logger } from 'pino';
import type { RetainMs, Settings } from '../../config/settings.ts';
import { DAY_MS } from '../../config/settings.ts';
import { Installation } from '../../temporal/installation.ts';
import { findDelivery } from '../find-delivery.ts';
import { openHome } from '../home.ts';
import { houseOf } from './house-of.ts';
import type { PruneResult } from './prune.ts';
import { prune } from './prune.ts';

export interface KeepingContext {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** One line for a person. */
  readonly say: (text: string) => void;
}

export interface PruneOrder {
  readonly retainMs: RetainMs;
  /** Its name, path, SHA-256 or workflow ID; undefined: all files. */
  readonly file: string | undefined;
  readonly force: boolean;
  readonly dryRun: boolean;
}

/** What commands ask for that keeps a home in order. */
export interface Keeping {
  prune(context: KeepingContext, order: PruneOrder): Promise<PruneResult>;
}

/** Throws Fault `not_found` where there is no such home or file, and the faults of Temporal. */
async function pruneHome(context: KeepingContext, order: PruneOrder): Promise<PruneResult> {
  const { settings, logger, signal, say } = context;
  const { retainMs, force, dryRun, file } = order;
  const { store } = await openHome(settings.home);
  const named = file === undefined ? undefined : await findDelivery(store, file, settings.endpoint?.name);
  const only = named && new Set([named.sha256]);
  const installation = await Installation.open({ settings, logger, say });
  try {
    const onceMs = settings.statedDelivery.onceDays * DAY_MS;
    return await prune(houseOf(installation), { retainMs, only, force, dryRun, onceMs, signal, nowMs: Date.now() });
  } finally {
    await installation.close();
  }
}

export const keeping: Keeping = { prune: pruneHome };
