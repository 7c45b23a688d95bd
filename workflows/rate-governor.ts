/**
 * One for each endpoint, for ever by continue-as-new: lends the workers their shares of the rate, learns it, and is the only writer of the
 * task queue's limit. All decisions are those of domain/governor/governor.ts; this file supplies the time, keeps the state and receives
 * the updates.
 */
import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  makeContinueAsNewFunc,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import type { GovernorConfig, LeaseAnswer, LeaseRequest, Override } from '../src/domain/governor/contract.ts';
import type { Decision, GovernorEvent } from '../src/domain/governor/governor.ts';
import { decide, newGovernor, trusted } from '../src/domain/governor/governor.ts';
import { faultOfConfig, faultOfLeaseRequest, faultOfOverride } from '../src/domain/governor/message-faults.ts';
import type { GovernorActivities, GovernorInput, GovernorView } from '../src/domain/governor/messages.ts';
import { governorDetails, viewOf } from '../src/domain/governor/messages.ts';
import {
  ADOPT_SIGNAL,
  CONFIGURE_UPDATE,
  FAILURE,
  filesTaskQueue,
  GOVERNOR_QUERY,
  INSTALLATION_MEMO,
  LEASE_UPDATE,
  OVERRIDE_UPDATE,
} from '../src/domain/names.ts';
import { historyIsLong } from './next-run.ts';

/** The second argument says which installation asks; an operator at Temporal's own tools says nothing. */
type From = string | undefined;
export const leaseUpdate = defineUpdate<LeaseAnswer, [LeaseRequest, From]>(LEASE_UPDATE);
export const overrideUpdate = defineUpdate<GovernorView, [Override, From]>(OVERRIDE_UPDATE);
export const configureUpdate = defineUpdate<void, [GovernorConfig, From]>(CONFIGURE_UPDATE);
export const adoptSignal = defineSignal<[string]>(ADOPT_SIGNAL);
export const governorQuery = defineQuery<GovernorView>(GOVERNOR_QUERY);

/** A busy hour is a few runs of this length. */
const MAX_HISTORY_EVENTS = 4_000;
const APPLY_AGAIN_AFTER = '30 seconds';

const { applyTaskQueueRate } = proxyLocalActivities<GovernorActivities>({
  startToCloseTimeout: '10s',
  retry: { maximumAttempts: 5, initialInterval: '500ms' },
});

export async function rateGovernor(input: GovernorInput): Promise<never> {
  const { endpoint } = input;
  const of = { endpoint, ...(input.installation === undefined ? {} : { installation: input.installation }) };
  /** Whose endpoint it is; undefined: that of whoever asks first. */
  let owner = input.installation;
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

  /** Whoever sent it reads what is wrong with it; nothing of it gets into the history. */
  const refusing = (faultOf: (message: unknown) => string | undefined) => ({
    validator(message: unknown, from?: unknown): void {
      if (owner !== undefined && typeof from === 'string' && from !== owner) {
        throw ApplicationFailure.nonRetryable(
          `endpoint ${endpoint} belongs to installation ${owner}`,
          FAILURE.otherInstallation,
        );
      }
      const fault = faultOf(message);
      if (fault !== undefined) throw ApplicationFailure.nonRetryable(fault, FAILURE.badMessage);
    },
  });
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
  setHandler(adoptSignal, (installation) => {
    if (typeof installation === 'string' && installation !== '') owner ??= installation;
  });
  const adopted = (): boolean => owner !== input.installation;

  const isLong = (): boolean => adopted() || historyIsLong(MAX_HISTORY_EVENTS);
  while (!isLong()) {
    await condition(() => toApply !== undefined || isLong());
    if (toApply === undefined) continue;
    const activitiesPerSecond = toApply;
    toApply = undefined;
    try {
      await applyTaskQueueRate({ ...of, activitiesPerSecond });
    } catch {
      // Requests are paced by the leases, with or without it; but a low limit that stays would hold the batches back.
      await condition(adopted, APPLY_AGAIN_AFTER);
      if (toApply === undefined) toApply = activitiesPerSecond;
    }
  }
  // Deliveries that are on the old queue still go on there, and nobody looks after its limit any more.
  if (adopted()) await applyTaskQueueRate({ ...of, activitiesPerSecond: null }).catch(() => undefined);
  await condition(allHandlersFinished);
  return goOn({ ...input, state: trusted(state) }, owner);
}

/** On the queue of its installation, which one that was adopted moves to. */
function goOn(input: GovernorInput, installation: string | undefined): Promise<never> {
  if (installation === undefined) return makeContinueAsNewFunc<typeof rateGovernor>()(input);
  const { taskQueueRate: _, ...state } = input.state!;
  const moves = installation !== input.installation;
  const continueAsNew = makeContinueAsNewFunc<typeof rateGovernor>({
    taskQueue: filesTaskQueue(installation),
    memo: { [INSTALLATION_MEMO]: installation },
  });
  // The limit that was set is that of the queue that it comes from.
  return continueAsNew({ ...input, installation, state: moves ? state : input.state! });
}
