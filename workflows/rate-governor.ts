/**
 * One for each endpoint, for ever by continue-as-new: lends the workers their shares of the rate, learns it, and is the only writer of the
 * task queue's limit. All decisions are those of domain/governor/governor.ts; this file supplies the time, keeps the state and receives
 * the updates.
 */
import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineUpdate,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { GovernorActivities } from '../src/domain/contracts.ts';
import type { GovernorConfig, LeaseAnswer, LeaseRequest, Override } from '../src/domain/governor/contract.ts';
import type { Decision, GovernorEvent } from '../src/domain/governor/governor.ts';
import { decide, newGovernor, trusted } from '../src/domain/governor/governor.ts';
import { faultOfConfig, faultOfLeaseRequest, faultOfOverride } from '../src/domain/governor/message-faults.ts';
import type { GovernorInput, GovernorView } from '../src/domain/governor/messages.ts';
import { governorDetails, viewOf } from '../src/domain/governor/messages.ts';
import { CONFIGURE_UPDATE, FAILURE, GOVERNOR_QUERY, LEASE_UPDATE, OVERRIDE_UPDATE } from '../src/domain/names.ts';

export const leaseUpdate = defineUpdate<LeaseAnswer, [LeaseRequest]>(LEASE_UPDATE);
export const overrideUpdate = defineUpdate<GovernorView, [Override]>(OVERRIDE_UPDATE);
export const configureUpdate = defineUpdate<void, [GovernorConfig]>(CONFIGURE_UPDATE);
export const governorQuery = defineQuery<GovernorView>(GOVERNOR_QUERY);

/** Whoever sent it reads what is wrong with it; nothing of it gets into the history. */
const refusing = (faultOf: (message: unknown) => string | undefined) => ({
  validator(message: unknown): void {
    const fault = faultOf(message);
    if (fault !== undefined) throw ApplicationFailure.nonRetryable(fault, FAILURE.badMessage);
  },
});

/** A busy hour is a few runs of this length. */
const MAX_HISTORY_EVENTS = 4_000;
const APPLY_AGAIN_AFTER = '30 seconds';

const { applyTaskQueueRate } = proxyLocalActivities<GovernorActivities>({
  startToCloseTimeout: '10s',
  retry: { maximumAttempts: 5, initialInterval: '500ms' },
});

export async function rateGovernor(input: GovernorInput): Promise<never> {
  const { endpoint } = input;
  let state = input.state ?? newGovernor(input.config, Date.now(), input.waitMs);
  /** undefined: nothing to apply. */
  let toApply: number | null | undefined;

  const take = (event: GovernorEvent): Decision => {
    const decision = decide(state, event, Date.now());
    state = decision.state;
    if (decision.applyTaskQueueRate !== undefined) toApply = decision.applyTaskQueueRate;
    setCurrentDetails(governorDetails(viewOf(endpoint, state, Date.now())));
    return decision;
  };

  setHandler(leaseUpdate, (request) => take({ type: 'lease', request }).answer!, refusing(faultOfLeaseRequest));
  setHandler(
    overrideUpdate,
    (override) => viewOf(endpoint, take({ type: 'override', override }).state, Date.now()),
    refusing(faultOfOverride),
  );
  setHandler(
    configureUpdate,
    (config) => {
      take({ type: 'configure', config });
    },
    refusing(faultOfConfig),
  );
  setHandler(governorQuery, () => viewOf(endpoint, state, Date.now()));

  const isLong = (): boolean =>
    workflowInfo().continueAsNewSuggested || workflowInfo().historyLength >= MAX_HISTORY_EVENTS;
  while (!isLong()) {
    await condition(() => toApply !== undefined || isLong());
    if (toApply === undefined) continue;
    const activitiesPerSecond = toApply;
    toApply = undefined;
    try {
      await applyTaskQueueRate({ endpoint, activitiesPerSecond });
    } catch {
      // Requests are paced by the leases, with or without it; but a low limit that stays would hold the batches back.
      await sleep(APPLY_AGAIN_AFTER);
      if (toApply === undefined) toApply = activitiesPerSecond;
    }
  }
  await condition(allHandlersFinished);
  return continueAsNew<typeof rateGovernor>({ ...input, state: trusted(state) });
}
