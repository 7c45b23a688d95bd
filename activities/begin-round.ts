/**
 * Begins a try at a file, after it was read and before anything is sent: settles the parse options that its receipts belong to, and gives the
 * run of the workflow a round, a number that only rises. Repeated, it gives the same one. A run that is closed gets none: what it would send
 * is some later run's affair.
 */
import type { Clock } from '../src/clock.ts';
import type { BeginRoundInput, BegunRound } from '../src/domain/contracts.ts';
import { settleOptions } from '../src/store/delivery-record.ts';
import { OnceIndex } from '../src/store/once/once-index.ts';
import { beginRound } from '../src/store/rounds.ts';
import type { Store } from '../src/store/store.ts';
import { staleRoundFailure, tellingTemporal } from './failures.ts';

export interface BeginRoundDependencies {
  readonly store: Store;
  /** Whether Temporal says that this very run is open. */
  runIsOpen(workflowId: string, runId: string): Promise<boolean>;
  scope(): { readonly attempt: number };
  readonly clock: Clock;
}

export function createBeginRound({ store, runIsOpen, scope, clock }: BeginRoundDependencies) {
  return async function begin(input: BeginRoundInput): Promise<BegunRound> {
    const { workflowId, runId, ambiguous, once, press } = input;
    if (!(await runIsOpen(workflowId, runId))) {
      throw staleRoundFailure(`run ${runId} is closed: it begins nothing more`);
    }
    return tellingTemporal(scope().attempt, async () => {
      const parse = await settleOptions(store, input, input.parse);
      const begunAt = new Date(clock.wallMs()).toISOString();
      const options = {
        ...(ambiguous === undefined ? {} : { ambiguous }),
        ...(once === undefined ? {} : { once }),
        ...(press === undefined ? {} : { press }),
      };
      const round = await beginRound(store, input, { runId, begunAt, ...options });
      const begun = { round: round.round, parse };
      if (round.once !== undefined) return { ...begun, once: round.once };
      // After the round is there: whoever begins an index now finds the file by it.
      const indexed = await new OnceIndex(store, input.endpoint, clock).exists();
      return indexed ? { ...begun, once: { withinMs: null } } : begun;
    });
  };
}
