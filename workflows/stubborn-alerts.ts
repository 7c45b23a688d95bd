/**
 * The alerts that batches have handed over: each is an activity of its own, visible by itself in the Web UI, until it has an outcome or
 * the run ends. Then the next run goes on with it by its receipts.
 */
import { CancellationScope, condition, proxyActivities } from '@temporalio/workflow';
import type { Outcome } from '../src/domain/alert.ts';
import type { FileWorkflowInput, RoundOfRun, SendActivities, StubbornRef } from '../src/domain/contracts.ts';
import { alertsTaskQueue } from '../src/domain/names.ts';
import { parseKey } from '../src/domain/parse-options.ts';
import { restraintsOf } from '../src/domain/restraint/restraints.ts';
import { grouped } from '../src/domain/rows/words.ts';
import { fileWork, sendOptions, untilTaken } from './activity-options.ts';
import { wasCancelled } from './cancelled.ts';
import type { Opening } from './opening.ts';
import type { PausableScope } from './pausable-scope.ts';

export interface StubbornAlertsOptions {
  readonly input: FileWorkflowInput;
  readonly round: RoundOfRun;
  readonly sending: PausableScope;
  readonly opening: Opening;
  /** Called for each one that has ended. */
  readonly onOutcome: (outcome: Outcome) => void;
}

export class StubbornAlerts {
  readonly #options: StubbornAlertsOptions;
  readonly #open = new Map<number, StubbornRef>();
  /** Lines that were handed over in this run. A batch may name one that has ended meanwhile. */
  readonly #begun = new Set<number>();
  readonly #runs: Promise<void>[] = [];
  #ending = false;
  #failure: unknown;

  /** `carried`: what an earlier run left over; it begins with `resume`. */
  constructor(options: StubbornAlertsOptions, carried: readonly StubbornRef[]) {
    this.#options = options;
    for (const ref of carried) this.#open.set(ref.line, ref);
  }

  get size(): number {
    return this.#open.size;
  }

  get refs(): readonly StubbornRef[] {
    return [...this.#open.values()];
  }

  /** What one of them failed with for good; undefined: none did. */
  get failure(): unknown {
    return this.#failure;
  }

  resume(): void {
    for (const ref of this.#open.values()) this.#begin(ref);
  }

  start(ref: StubbornRef): void {
    if (this.#begun.has(ref.line)) return;
    this.#open.set(ref.line, ref);
    this.#begin(ref);
  }

  /** Cancels all that is being sent, and waits for it. */
  async end(): Promise<void> {
    this.#ending = true;
    this.#options.sending.cancel();
    await CancellationScope.nonCancellable(() => Promise.all(this.#runs));
  }

  #begin(ref: StubbornRef): void {
    this.#begun.add(ref.line);
    this.#runs.push(
      // Out of the scope of the batch that handed it over: that one ends with the first pause.
      CancellationScope.nonCancellable(() => this.#run(ref)).catch((error: unknown) => {
        // Cancelled at the end of the run: the next one goes on with it.
        if (!(this.#ending && wasCancelled(error))) this.#failure ??= error;
      }),
    );
  }

  async #run(ref: StubbornRef): Promise<void> {
    const { sending } = this.#options;
    for (;;) {
      if (sending.paused) await condition(() => !sending.paused || this.#ending);
      if (this.#ending || (await sending.run(() => this.#send(ref)))) return;
    }
  }

  async #send(ref: StubbornRef): Promise<void> {
    const { input, opening, round, onOutcome } = this.#options;
    const { installation, endpoint, parse, reopenUnconfirmed } = input;
    const { sendAlert } = proxyActivities<SendActivities>({
      ...sendOptions,
      taskQueue: alertsTaskQueue(endpoint, installation),
      summary: `line ${grouped(ref.line)}`,
    });
    const of = { ...fileWork(input), endpoint, parseKey: parseKey(parse), ...ref };
    const { outcome } = await opening.send(() =>
      untilTaken(() => sendAlert({ ...of, ...round, ...restraintsOf(input.delivery), reopenUnconfirmed })),
    );
    this.#open.delete(ref.line);
    onOutcome(outcome);
  }
}
