/** Asks, while a file does not get on, why that is, and now and then how fast it may go. Queries and descriptions are no events of any history. */
import type { FileProgress } from '../domain/counts.ts';
import { endedOf } from '../domain/counts.ts';
import type { FileSigns, FileWaiting } from '../domain/progress/waiting.ts';
import { fileWaiting } from '../domain/progress/waiting.ts';
import type { ProgressUpdate } from './app.ts';

/** Nothing has been settled for so long: it is asked why, so often. */
const STUCK_AFTER_MS = 1_000;
const ASK_EVERY_MS = 2_000;
/** How fast it may go, while it goes. */
const ASK_RATE_EVERY_MS = 5_000;

type AskSigns = (progress: FileSigns['progress']) => Promise<FileSigns>;

export class WaitingWatch {
  readonly #nowMs: () => number;
  #settled = -1;
  #phase: FileProgress['phase'] | undefined;
  #changedMs: number;
  #askedMs = Number.NEGATIVE_INFINITY;
  #asking = false;
  #waiting: FileWaiting | undefined;
  #limit: number | undefined;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    this.#changedMs = nowMs();
  }

  get last(): Pick<ProgressUpdate, 'waiting' | 'limitPerSecond'> {
    return {
      ...(this.#waiting === undefined ? {} : { waiting: this.#waiting }),
      ...(this.#limit === undefined ? {} : { limitPerSecond: this.#limit }),
    };
  }

  /** `progress` undefined: nobody answers for its workflow. What is found out by `ask` is told the next time. */
  of(progress: FileProgress | undefined, ask: AskSigns): Pick<ProgressUpdate, 'waiting' | 'limitPerSecond'> {
    const nowMs = this.#nowMs();
    const { counts, phase } = progress ?? {};
    const settled = counts === undefined ? this.#settled : counts.rows + endedOf(counts);
    const moves = settled !== this.#settled || phase !== this.#phase;
    if (moves) {
      this.#settled = settled;
      this.#phase = phase;
      this.#changedMs = nowMs;
      this.#waiting = undefined;
    }
    const stuck = progress === undefined || phase === 'paused' || nowMs - this.#changedMs > STUCK_AFTER_MS;
    const everyMs = stuck ? ASK_EVERY_MS : ASK_RATE_EVERY_MS;
    if (!this.#asking && nowMs - this.#askedMs > everyMs) this.#look(progress, stuck, ask);
    return this.last;
  }

  #look(progress: FileProgress | undefined, stuck: boolean, ask: AskSigns): void {
    const changedMs = this.#changedMs;
    this.#asking = true;
    this.#askedMs = this.#nowMs();
    ask(progress)
      .then(
        (signs) => {
          this.#limit = signs.governor?.ratePerSecond ?? undefined;
          // What has moved since does not wait any more.
          if (stuck && changedMs === this.#changedMs) this.#waiting = fileWaiting(signs);
        },
        // Temporal does not answer just now.
        () => undefined,
      )
      .finally(() => {
        this.#asking = false;
      });
  }
}
