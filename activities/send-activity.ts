/** What both sending activities share: their surroundings, and running one attempt at some rows under a journal of its own. */

import type { RowPlan } from '../src/domain/batch-plan.ts';
import type { RetryPolicy } from '../src/domain/endpoint.ts';
import { webhookId } from '../src/domain/names.ts';
import type { RowState } from '../src/domain/receipts.ts';
import type { EndpointSession } from '../src/endpoint/endpoint-session.ts';
import type { ChunkRow } from '../src/store/chunks.ts';
import type { Ledger } from '../src/store/receipts.ts';
import type { Store } from '../src/store/store.ts';
import type { BatchEnd } from './batch.ts';
import { Batch } from './batch.ts';
import type { OpenRow, RowOutcomes } from './row-outcomes.ts';

/** The running activity, as far as wds needs it; the wiring fills it from @temporalio/activity's Context. */
export interface ActivityScope {
  readonly attempt: number;
  readonly cancellationSignal: AbortSignal;
  heartbeat(): void;
}

export interface SendDependencies {
  readonly store: Store;
  /** undefined: this worker does not know the endpoint. */
  session(endpoint: string): EndpointSession | undefined;
  scope(): ActivityScope;
  readonly nowMs: () => number;
  readonly random: () => number;
}

/** When an alert of the chunk was last delivered; 0: never. */
export function lastDeliveryMs(states: ReadonlyMap<number, RowState>): number {
  let lastMs = 0;
  for (const state of states.values()) if (state.outcome === 'delivered') lastMs = Math.max(lastMs, state.atMs);
  return lastMs;
}

/** `deliveredMs`: lastDeliveryMs of the chunk. */
export function openRow(
  of: { readonly sha256: string; readonly endpoint: string },
  { line, body }: ChunkRow,
  { attempts, firstFailureMs, refused }: RowPlan & { readonly kind: 'send' },
  deliveredMs: number,
): OpenRow {
  const othersGotThrough = firstFailureMs !== undefined && deliveredMs > firstFailureMs;
  const id = webhookId(of.endpoint, of.sha256, line);
  return { line, id, body, attempts, firstFailureMs, othersGotThrough, refusedBefore: refused, ended: false };
}

/** Heartbeats, and syncs of the journal: a power loss costs at most the receipts of this long. */
const PULSE_MS = 1_000;

/** Sends the rows; on return their journal is power-loss safe. `closing`: refusals are believed even if nothing has proved them. */
export async function attemptRows(
  dependencies: SendDependencies,
  session: EndpointSession,
  ledger: Ledger,
  rows: readonly OpenRow[],
  options: { readonly retry: RetryPolicy; readonly closing: boolean },
): Promise<{ readonly outcomes: RowOutcomes; readonly end: BatchEnd }> {
  const scope = dependencies.scope();
  const batch = new Batch({ session, ledger, retry: options.retry, nowMs: dependencies.nowMs });
  const onCancel = (): void => batch.stop({ kind: session.stopping ? 'shutdown' : 'cancelled' });
  const pulse = setInterval(() => {
    scope.heartbeat();
    ledger.sync().catch((error: unknown) => batch.stop({ kind: 'store', error }));
  }, PULSE_MS);
  scope.cancellationSignal.addEventListener('abort', onCancel, { once: true });
  if (scope.cancellationSignal.aborted) onCancel();
  try {
    const end = await batch.run(rows);
    if (options.closing && end.kind === 'done') batch.outcomes.believeRefusals();
    return { outcomes: batch.outcomes, end };
  } finally {
    clearInterval(pulse);
    scope.cancellationSignal.removeEventListener('abort', onCancel);
  }
}
