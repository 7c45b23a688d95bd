/**
 * Faults that a worker's steps wait for until somebody mends them (a disk that is full, a store that is not there, a machine at its limits): one
 * line in the log when one begins, and one when no step meets it any more. Steps in between are only retried.
 */
import { ApplicationFailure } from '@temporalio/common';
import type { Logger } from 'pino';
import { NO_TOKEN } from '../domain/answers.ts';
import { FAILURE } from '../domain/names.ts';
import type { Count, Metrics } from '../monitoring/metrics.ts';

type Activity<Input, Output> = (input: Input) => Promise<Output>;
interface Kind {
  readonly begins: { readonly event: string };
  readonly ends: { readonly event: string };
  readonly what: string;
  /** In figures. */
  readonly label: string;
}

const STORE: Kind = {
  begins: { event: 'store_fault' },
  ends: { event: 'store_recovered' },
  what: 'the store',
  label: 'store',
};
const LOCAL: Kind = {
  begins: { event: 'local_fault' },
  ends: { event: 'local_recovered' },
  what: 'this machine',
  label: 'machine',
};
const LIST: Kind = {
  begins: { event: 'suppression_list_fault' },
  ends: { event: 'suppression_list_recovered' },
  what: 'a suppression list',
  label: 'list',
};
const KINDS: readonly Kind[] = [STORE, LOCAL, LIST];
const KIND_OF_FAILURE: Readonly<Record<string, Kind>> = {
  [FAILURE.store]: STORE,
  [FAILURE.otherInstallation]: STORE,
  [FAILURE.suppressionList]: LIST,
  [FAILURE.localFault]: LOCAL,
};
/** Steps that are remembered to have failed; beyond these a recovery may be told too early. */
const MOST_STEPS = 1_000;

/** Told where tokens are fetched (event `token_trouble`). */
const isOfToken = ({ message }: ApplicationFailure): boolean => message.startsWith(NO_TOKEN);

export class FaultLog {
  readonly #log: Pick<Logger, 'warn' | 'info'>;
  readonly #count: Count | undefined;
  /** By the event that told of them: steps that have failed, and not gone well since. */
  readonly #failing = new Map<Kind, Set<string>>();

  /** `metrics`: shows how many steps wait, too. */
  constructor(log: Pick<Logger, 'warn' | 'info'>, metrics?: Metrics) {
    this.#log = log;
    const failing = {
      name: 'wds_steps_waiting',
      help: 'Steps that wait for the store or for this machine',
      labels: ['what'],
    };
    metrics?.gauge(failing, () => KINDS.map((kind) => [[kind.label], this.#failing.get(kind)?.size ?? 0] as const));
    const faults = {
      name: 'wds_step_faults_total',
      help: 'Tries of steps that failed for the store or for this machine',
      labels: ['what'],
    };
    this.#count = metrics?.counting(
      faults,
      KINDS.map(({ label }) => [label]),
    );
  }

  /** Makes activities tell, which `wrap` has made what they are. */
  telling(wrap: <Input extends Work, Output>(activity: Activity<Input, Output>) => Activity<Input, Output>) {
    return <Input extends Work, Output>(activity: Activity<Input, Output>): Activity<Input, Output> => {
      const wrapped = wrap(activity);
      return async (input) => {
        const step = `${activity.name} ${input.sha256} ${input.chunk ?? ''}`;
        try {
          const result = await wrapped(input);
          this.#went(step);
          return result;
        } catch (error) {
          this.#failed(step, error);
          throw error;
        }
      };
    };
  }

  #failed(step: string, error: unknown): void {
    const kind =
      error instanceof ApplicationFailure && !isOfToken(error) ? KIND_OF_FAILURE[error.type ?? ''] : undefined;
    // Whatever else it failed for: it got as far as that.
    if (kind === undefined) {
      this.#went(step);
      return;
    }
    this.#count?.([kind.label]);
    const failing = this.#failing.get(kind);
    if (failing === undefined) {
      const reason = (error as Error).message;
      this.#log.warn({ ...kind.begins, reason }, `waiting for ${kind.what}: ${reason}`);
    }
    const steps = failing ?? new Set();
    if (steps.size < MOST_STEPS) steps.add(step);
    this.#failing.set(kind, steps);
  }

  #went(step: string): void {
    for (const [kind, steps] of this.#failing) {
      if (!steps.delete(step) || steps.size > 0) continue;
      this.#failing.delete(kind);
      this.#log.info(kind.ends, `no longer waiting for ${kind.what}`);
    }
  }
}

interface Work {
  readonly sha256: string;
  readonly chunk?: number;
}
