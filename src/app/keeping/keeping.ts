/** What commands ask for that keeps a home in order: opens what it needs, and closes it. */
import type { Logger } from 'pino';
import type { RetainMs, Settings } from '../../config/settings.ts';
import { DAY_MS } from '../../config/settings.ts';
import { Fault } from '../../domain/failure.ts';
import { openKnownStore } from '../../store/open-store.ts';
import { Installation } from '../../temporal/installation.ts';
import { findDelivery } from '../find-delivery.ts';
import { forget, planForget } from './forget.ts';
import type { House } from './house.ts';
import { houseOf } from './house-of.ts';
import type { PruneResult } from './prune.ts';
import { prune } from './prune.ts';
import type { ForgetPlan } from './user-traces.ts';
import type { VerifyOptions, VerifyResult } from './verify/verify.ts';
import { verify } from './verify/verify.ts';

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

export interface ForgetOrder {
  readonly userId: string;
  readonly dryRun: boolean;
  /** Asked once it is known what would be erased; false: nothing is. */
  readonly confirm: (plan: ForgetPlan) => Promise<boolean>;
}

export interface VerifyOrder {
  /** As of PruneOrder. */
  readonly file: string | undefined;
  readonly onProgress: VerifyOptions['onProgress'];
}

/** Exactly what `-o json` prints. */
export interface ForgetResult {
  /** false: it was only looked. */
  readonly erased: boolean;
  /** The bucket keeps older versions, and in those the user still is. */
  readonly olderVersions?: true;
  /** `alerts`: of the user, in that file. */
  readonly files: readonly { readonly file: string; readonly sha256: string; readonly alerts: number }[];
}

/** Each throws Fault `not_found` where there is no such home, file or user, and the faults of Temporal. */
export interface Keeping {
  prune(context: KeepingContext, order: PruneOrder): Promise<PruneResult>;
  forget(context: KeepingContext, order: ForgetOrder): Promise<ForgetResult>;
  /** Needs no Temporal. */
  verify(context: KeepingContext, order: VerifyOrder): Promise<VerifyResult>;
}

async function pruneHome(context: KeepingContext, order: PruneOrder): Promise<PruneResult> {
  const { settings, logger, signal, say } = context;
  const { retainMs, force, dryRun, file } = order;
  const { store } = await openKnownStore(settings);
  const named = file === undefined ? undefined : await findDelivery(store, file, settings.endpoint?.name);
  const only = named && new Set([named.sha256]);
  const onceMs = settings.statedDelivery.onceDays * DAY_MS;
  return inHouse({ settings, logger, say }, (house) =>
    prune(house, { retainMs, only, force, dryRun, onceMs, signal, nowMs: Date.now() }),
  );
}

async function forgetUser({ settings, logger, say }: KeepingContext, order: ForgetOrder): Promise<ForgetResult> {
  const { userId, dryRun, confirm } = order;
  await openKnownStore(settings);
  return inHouse({ settings, logger, say }, async (house) => {
    const plan = await planForget(house, userId);
    const busy = plan.files.find((file) => file.busy !== undefined);
    if (busy !== undefined && !dryRun) {
      const next = 'Nothing was erased. Wait for its end (wds status), or end it: wds cancel. Then ask again.';
      throw new Fault('usage', `${busy.file} names this user, and ${busy.busy}`, next);
    }
    const files = plan.files.map(({ file, sha256, hits }) => ({ file, sha256, alerts: hits.length }));
    const erased = files.length > 0 && !dryRun && (await confirm(plan));
    if (erased) await forget(house, plan, { userId, nowMs: Date.now(), reports: settings.reports });
    const olderVersions = house.store.keepsVersions || house.inboxes.some((inbox) => inbox.keepsVersions);
    return { erased, files, ...(erased && olderVersions ? { olderVersions } : {}) };
  });
}

async function verifyHome({ settings, signal }: KeepingContext, order: VerifyOrder): Promise<VerifyResult> {
  const { file, onProgress } = order;
  const home = await openKnownStore(settings);
  const named = file === undefined ? undefined : await findDelivery(home.store, file, settings.endpoint?.name);
  const only = named && new Set([named.sha256]);
  return verify(home, { only, signal, onProgress });
}

async function inHouse<Result>(
  options: Pick<KeepingContext, 'settings' | 'logger' | 'say'>,
  work: (house: House) => Promise<Result>,
): Promise<Result> {
  const installation = await Installation.open(options);
  try {
    return await work(houseOf(installation));
  } finally {
    await installation.close();
  }
}

export const keeping: Keeping = { prune: pruneHome, forget: forgetUser, verify: verifyHome };
