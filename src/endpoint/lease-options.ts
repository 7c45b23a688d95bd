/** What a lease is given by its process. */
import type { Clock } from '../clock.ts';
import type { LeaseAnswer, LeaseRequest, Waiting } from '../domain/governor/contract.ts';
import type { Pacer } from './pacer.ts';

export interface RateLeaseOptions {
  readonly pacer: Pacer;
  /** New for each process. */
  readonly workerId: string;
  /** Rejects when the governor does not answer; it is asked again. */
  readonly ask: (request: LeaseRequest) => Promise<LeaseAnswer>;
  readonly random: () => number;
  /** The longest pause that the receiver's headers are believed for. */
  readonly maxPauseMs: number;
  /** Faults of asking, once a change of state. */
  readonly onTrouble: (error: unknown) => void;
  /** Told at each change of `standingBy`. */
  readonly onStandBy?: (standingBy: boolean) => void;
  /** An operator has ended the pauses that the receiver asked for. */
  readonly onResume?: () => void;
  /** Told at each change of why the endpoint is sent nothing, over all workers; null: it is sent what there is. */
  readonly onWaiting?: (waiting: Waiting | null) => void;
  readonly clock?: Clock;
}
