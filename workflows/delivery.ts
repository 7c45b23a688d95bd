/**
 * The sending of one file in one run: lanes take chunks, each lane sends its chunk batch after batch; what is better settled late is
 * visited again at the end; stubborn alerts run beside them, each as an activity of its own. Bounded everywhere: lanes, open stubborn
 * alerts, and the run's history. While an operator has it paused nothing is under way: batches and stubborn alerts are cancelled, which
 * records the answers to open requests, and begin again by their receipts at the resume.
 */

import { condition, proxyActivities } from '@temporalio/workflow';
import type { Outcome } from '../src/domain/alert.ts';
import type {
  CarriedState,
  FileWorkflowInput,
  RoundOfRun,
  SendActivities,
  SendAlertsResult,
  Stretch,
  WindowResult,
} from '../src/domain/contracts.ts';
import type { SentCounts } from '../src/domain/counts.ts';
import { minus, NOTHING_SENT, plus } from '../src/domain/counts.ts';
import { alertsBefore, chunkStretch, countOfChunks } from '../src/domain/file-plan.ts';
import { alertsTaskQueue } from '../src/domain/names.ts';
import { parseKey } from '../src/domain/parse-options.ts';
import type { Decision } from '../src/domain/progress/decision.ts';
import { restraintsOf } from '../src/domain/restraint/restraints.ts';
import { grouped } from '../src/domain/rows/words.ts';
import { fileWork, sendOptions, untilTaken } from './activity-options.ts';
import { nextRunIsDue } from './next-run.ts';
import type { Opening } from './opening.ts';
import { PausableScope } from './pausable-scope.ts';
import { StubbornAlerts } from './stubborn-alerts.ts';

export interface DeliveryHooks {
  readonly onProgress: () => void;
  /** What is to be done before the last visits, where there are any; undefined: nothing. */
  readonly beforeRevisits: (() => Promise<void>) | undefined;
  /** How much of it may be begun. */
  readonly decision: Decision;
  /** When it may be sent. */
  readonly opening: Opening;
}

const known = (epoch: number | undefined): { epoch?: number } => (epoch === undefined ? {} : { epoch });

export class Delivery {
  readonly #input: FileWorkflowInput;
  readonly #round: RoundOfRun;
  readonly #windows: readonly WindowResult[];
  readonly #hooks: DeliveryHooks;
  readonly #unfinished: Stretch[];
  #revisit: Stretch[];
  readonly #stubborn: StubbornAlerts;
  readonly #handoverPerBatch: number;
  #nextChunk: number;
  #sent: SentCounts;
  #runningBatches = 0;
  #endpointLost = false;
  /** All that is being sent. */
  readonly #sending = new PausableScope();

  /** `carried`: what an earlier run left over; undefined begins with the first chunk. */
  constructor(
    input: FileWorkflowInput,
    round: RoundOfRun,
    windows: readonly WindowResult[],
    carried: CarriedState | undefined,
    hooks: DeliveryHooks,
  ) {
    this.#input = input;
    this.#round = round;
    this.#windows = windows;
    this.#hooks = hooks;
    this.#unfinished = [...(carried?.unfinished ?? [])];
    this.#revisit = [...(carried?.revisit ?? [])];
    this.#nextChunk = carried?.nextChunk ?? 1;
    this.#sent = carried?.sent ?? NOTHING_SENT;
    const onOutcome = (outcome: Outcome): void => {
      this.#sent = plus(this.#sent, { ...NOTHING_SENT, [outcome]: 1 });
      hooks.onProgress();
    };
    this.#stubborn = new StubbornAlerts(
      { input, round, sending: this.#sending, opening: hooks.opening, onOutcome },
      carried?.stubborn ?? [],
    );
    const { maxStubborn, parallelChunks } = input.delivery;
    this.#handoverPerBatch = Math.max(1, Math.floor(maxStubborn / (2 * parallelChunks)));
  }

  get sent(): SentCounts {
    return this.#sent;
  }

  get openStubborn(): number {
    return this.#stubborn.size;
  }

  pause(paused: boolean): void {
    this.#sending.pause(paused);
  }

  /** Resolves to true when all is sent, to false when the run should be continued as new with `carried()`. */
  async run(): Promise<boolean> {
    try {
      this.#stubborn.resume();
      await this.#runLanes(() => this.#takeUnsent(), false);
      await this.#runDecided();
      const { beforeRevisits } = this.#hooks;
      if (beforeRevisits !== undefined && this.#revisit.length > 0 && !this.#endsSoon()) await beforeRevisits();
      if (!this.#endsSoon()) await this.#runLanes(() => this.#takeRevisit(), true);
      await condition(() => this.#stubborn.size === 0 || this.#stubborn.failure !== undefined || this.#endsSoon());
      if (this.#stubborn.failure !== undefined) throw this.#stubborn.failure;
      return !this.#endsSoon();
    } finally {
      await this.#stubborn.end();
    }
  }

  carried(): CarriedState {
    return {
      ...this.#round,
      parse: this.#input.parse,
      windows: this.#windows,
      sent: this.#sent,
      nextChunk: this.#nextChunk,
      unfinished: this.#unfinished,
      revisit: this.#revisit,
      stubborn: this.#stubborn.refs,
      paused: this.#sending.paused,
      ...this.#hooks.decision.state,
    };
  }

  /** Chunks that no run has begun. */
  get #unbegun(): number {
    return countOfChunks(this.#windows) - this.#nextChunk + 1;
  }

  #endsSoon(): boolean {
    return nextRunIsDue(this.#input.delivery.maxHistoryEvents);
  }

  /** What might not be begun at first is sent when it may. No command of its own: a condition is none. */
  async #runDecided(): Promise<void> {
    const { decision, onProgress } = this.#hooks;
    const isLeft = (): boolean => this.#unfinished.length + this.#unbegun > 0;
    while (!decision.isOpen && isLeft() && !this.#endsSoon()) {
      decision.partEnded(this.#sent);
      onProgress();
      await condition(() => decision.isOpen || this.#stubborn.failure !== undefined || this.#endsSoon());
      if (this.#stubborn.failure !== undefined) throw this.#stubborn.failure;
      await this.#runLanes(() => this.#takeUnsent(), false);
    }
  }

  #takeUnsent(): Stretch[] {
    const next = this.#unfinished.shift() ?? this.#takeUnbegun();
    if (next === undefined) return [];
    const to = next.from + this.#hooks.decision.begin(next.to - next.from);
    if (to < next.to) this.#unfinished.unshift({ ...next, from: to });
    return to === next.from ? [] : [{ ...next, to }];
  }

  #takeUnbegun(): Stretch | undefined {
    const stretch = chunkStretch(this.#windows, this.#input.parse.chunkSize, this.#nextChunk);
    if (stretch !== undefined) this.#nextChunk++;
    return stretch;
  }

  /** All that is left of a chunk: two batches of one chunk at a time would only stop each other. */
  #takeRevisit(): Stretch[] {
    const chunk = this.#revisit[0]?.chunk;
    const stretches = this.#revisit.filter((stretch) => stretch.chunk === chunk);
    this.#revisit = this.#revisit.filter((stretch) => stretch.chunk !== chunk);
    return stretches;
  }

  /** Each lane takes what belongs to one chunk, until there is nothing left. */
  async #runLanes(take: () => Stretch[], closing: boolean): Promise<void> {
    const lane = async (): Promise<void> => {
      while (!this.#endsSoon()) {
        const stretches = take();
        if (stretches.length === 0) return;
        for (const stretch of stretches) await this.#sendStretch(stretch, closing);
      }
    };
    // Most files have less chunks than there are lanes.
    const left = closing ? this.#revisit.length : this.#unfinished.length + this.#unbegun;
    const lanes = Array.from({ length: Math.min(this.#input.delivery.parallelChunks, left) }, lane);
    const ends = await Promise.allSettled(lanes);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  async #sendStretch(stretch: Stretch, closing: boolean): Promise<void> {
    let { from } = stretch;
    /** Of the batch that begins there, as far as its last turn came. */
    let counted = NOTHING_SENT;
    let { epoch } = stretch;
    while (from < stretch.to) {
      const failed = (): boolean => this.#stubborn.failure !== undefined;
      await condition(() => (!this.#sending.paused && this.#roomForStubborn()) || failed() || this.#endsSoon());
      if (failed()) throw this.#stubborn.failure;
      if (this.#endsSoon()) {
        this.#sent = minus(this.#sent, counted);
        (closing ? this.#revisit : this.#unfinished).push({ ...stretch, from, ...known(epoch) });
        return;
      }
      const to = Math.min(from + this.#input.delivery.batchSize, stretch.to);
      await this.#sending.run(async () => {
        const batch = { ...stretch, from, to, ...known(epoch) };
        const result = await this.#hooks.opening.send(() => this.#sendBatch(batch, closing));
        epoch = result.epoch;
        const settled = result.turnOver || result.unsettled === 0 ? result : NOTHING_SENT;
        this.#sent = plus(minus(this.#sent, counted), settled);
        counted = result.turnOver ? settled : NOTHING_SENT;
        if (!result.turnOver) {
          if (result.unsettled > 0) this.#revisit.push({ ...stretch, from, to, ...known(epoch) });
          from = to;
        }
        this.#hooks.onProgress();
      });
    }
  }

  #roomForStubborn(): boolean {
    const reserved = (this.#runningBatches + 1) * this.#handoverPerBatch;
    return this.#stubborn.size + reserved <= Math.max(this.#input.delivery.maxStubborn, this.#handoverPerBatch);
  }

  async #sendBatch(batch: Stretch, closing: boolean): Promise<SendAlertsResult> {
    const { installation, endpoint, parse, reopenUnconfirmed } = this.#input;
    const { epoch, ...place } = batch;
    const first = alertsBefore(this.#windows, parse.chunkSize, batch) + 1;
    const { sendAlerts } = proxyActivities<SendActivities>({
      ...sendOptions,
      taskQueue: alertsTaskQueue(endpoint, installation),
      summary: `alerts ${grouped(first)}–${grouped(first + batch.to - batch.from - 1)}${closing ? ', last visit' : ''}`,
    });
    this.#runningBatches++;
    try {
      const result = await untilTaken(() =>
        sendAlerts({
          ...fileWork(this.#input),
          endpoint,
          parseKey: parseKey(parse),
          ...place,
          ...this.#round,
          reopenUnconfirmed,
          ...restraintsOf(this.#input.delivery),
          maxHandover: this.#handoverPerBatch,
          endpointLost: this.#endpointLost,
          closing,
          ...(epoch === undefined ? {} : { knownEpoch: epoch }),
        }),
      );
      this.#endpointLost = result.endpointLost;
      for (const line of result.stubborn) this.#stubborn.start({ window: batch.window, chunk: batch.chunk, line });
      return result;
    } finally {
      this.#runningBatches--;
    }
  }
}
