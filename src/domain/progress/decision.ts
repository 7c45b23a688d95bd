/**
 * What somebody has to decide of a file before it goes on: after its first alerts (`delivery.first`), or since too many have failed
 * (`delivery.stopAtFailures`). Pure.
 */
import type { SentCounts } from '../counts.ts';
import { grouped } from '../rows/words.ts';

export interface DecisionOptions {
  /** So many alerts are sent, and the rest when it is approved. Absent: all at once. */
  readonly first?: number;
  /** Nothing more is sent when more than this share (0 to 1) of those that have ended were not delivered. Absent: whatever fails. */
  readonly stopAtFailures?: number;
}

/** What one run hands to the next. Absent members: nothing is asked, all may be begun, and nothing was decided. */
export interface DecisionState {
  readonly asked?: 'first' | 'failures';
  readonly mayBegin?: number;
  readonly failuresAccepted?: true;
}

/** Fewer say little; so many are sent before the rest is begun. */
export const LEAST_ENDED = 100;

const failedOf = ({ rejected, undelivered, unconfirmed }: SentCounts): number => rejected + undelivered + unconfirmed;
const percent = (share: number): string => `${Number((share * 100).toFixed(1))}%`;

export class Decision {
  readonly #options: DecisionOptions;
  #asked: DecisionState['asked'];
  #failuresAccepted: boolean;
  /** Alerts that may still be begun. */
  #mayBegin: number;

  /** `carried`: of an earlier run; undefined: it begins. */
  constructor(options: DecisionOptions, carried: DecisionState | undefined) {
    const { first, stopAtFailures } = options;
    const limit = first ?? (stopAtFailures === undefined ? undefined : LEAST_ENDED);
    this.#options = options;
    this.#asked = carried?.asked;
    this.#failuresAccepted = carried?.failuresAccepted ?? false;
    this.#mayBegin = (carried === undefined ? limit : carried.mayBegin) ?? Number.POSITIVE_INFINITY;
  }

  get state(): DecisionState {
    return {
      ...(this.#asked === undefined ? {} : { asked: this.#asked }),
      ...(this.isOpen ? {} : { mayBegin: this.#mayBegin }),
      ...(this.#failuresAccepted ? { failuresAccepted: true } : {}),
    };
  }

  get asked(): DecisionState['asked'] {
    return this.#asked;
  }

  /** All of the file may be begun. */
  get isOpen(): boolean {
    return this.#mayBegin === Number.POSITIVE_INFINITY;
  }

  /** How many of so many alerts may be begun; they are, from now on. */
  begin(wanted: number): number {
    const most = Math.min(wanted, this.#mayBegin);
    this.#mayBegin -= most;
    return most;
  }

  /** Those that might be begun have ended, and there are others. */
  partEnded(sent: SentCounts): void {
    if (this.failing(sent)) return;
    if (this.#asked === 'failures') return;
    if (this.#options.first === undefined) this.#mayBegin = Number.POSITIVE_INFINITY;
    else this.#asked = 'first';
  }

  /** Whether it is asked from now on whether to go on in spite of failures. */
  failing(sent: SentCounts): boolean {
    const { stopAtFailures } = this.#options;
    if (stopAtFailures === undefined || this.#failuresAccepted || this.#asked === 'failures') return false;
    const failed = failedOf(sent);
    const ended = sent.delivered + failed;
    const least = Math.min(LEAST_ENDED, this.#options.first ?? LEAST_ENDED);
    if (ended < least || failed <= stopAtFailures * ended) return false;
    this.#asked = 'failures';
    return true;
  }

  /** It goes on. Failures that were accepted do not stop it again. */
  approve(): void {
    if (this.#asked === 'failures') this.#failuresAccepted = true;
    if (this.#asked !== undefined) this.#mayBegin = Number.POSITIVE_INFINITY;
    this.#asked = undefined;
  }

  /** What there is to decide; undefined: nothing. `alerts`: of the file. */
  text(sent: SentCounts, alerts: number): string | undefined {
    if (this.#asked === undefined) return undefined;
    const failed = failedOf(sent);
    const ended = sent.delivered + failed;
    const { suppressed = 0 } = sent;
    const how = `${grouped(sent.delivered)} delivered${failed === 0 ? '' : `, ${grouped(failed)} failed`}${suppressed === 0 ? '' : `, ${grouped(suppressed)} suppressed`}`;
    if (this.#asked === 'first') {
      return `the first ${grouped(this.#options.first ?? ended)} of ${grouped(alerts)} alerts were sent (${how}); wds approve sends the rest, wds cancel ends it`;
    }
    const share = `${grouped(failed)} of ${grouped(ended)} alerts failed (${percent(failed / ended)}), more than delivery.stopAtFailures (${percent(this.#options.stopAtFailures ?? 0)})`;
    return `${share}; wds approve goes on all the same, wds cancel ends it`;
  }
}
