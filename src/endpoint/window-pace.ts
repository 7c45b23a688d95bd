/**
 * The pace of a quota that may be used at once (shape `burst`): so many requests in any window of that length. A request counts from when it goes out
 * until a whole window after it has ended: it arrives somewhere in between, so no window of the receiver's holds more, wherever it begins. All that
 * this process sends is counted, also while no window is known. No clock.
 */
import { LAST_DIGIT } from '../domain/governor/spending.ts';
import { SentLog } from './sent-log.ts';

/** A quota of which a worker has a share. */
export interface WindowShare {
  readonly windowMs: number;
  /** The requests are spread evenly besides: it is not sure yet that the quota may be used at once. */
  readonly evenly: boolean;
}

/** What is lent at an instant. */
export interface LentNow {
  readonly ratePerSecond: number;
  /** Of the quota, what others have used or may use. */
  readonly spent: number;
}

/** A window is told to the governor in such pieces. */
const PIECES = 16;
/** Where nothing but an answer can make room. */
const UNKNOWN_MS = 1_000;

export class WindowPace {
  readonly #log = new SentLog();
  #open = 0;
  #share: WindowShare | undefined;
  /** Of the last share. */
  #windowMs: number | undefined;
  /** What the receiver said is left, less what was sent since; and when the request went out that was answered so. */
  #left = Number.POSITIVE_INFINITY;
  #leftSentMs = Number.NEGATIVE_INFINITY;

  /** undefined: no window is known. */
  lend(share: WindowShare | undefined): void {
    this.#share = share;
    if (share !== undefined) this.#windowMs = share.windowMs;
  }

  /** Requests keep their distance from each other. */
  get evenly(): boolean {
    return this.#share?.evenly ?? true;
  }

  /** How long until one more may go; 0: now. Positive and too short where more has to happen than time to pass. */
  waitMs(nowMs: number, lent: LentNow): number {
    if (this.#share === undefined) return 0;
    if (this.#left < 1 && this.#open > 0) return UNKNOWN_MS;
    const { count, windowMs } = this.#quota(lent, this.#share);
    if (this.#open + this.#log.after(nowMs - windowMs) + lent.spent < count) return 0;
    const leavesMs = (this.#log.firstMs ?? Number.POSITIVE_INFINITY) + windowMs - nowMs;
    return Math.min(UNKNOWN_MS, Math.max(0.1, leavesMs));
  }

  /** How many more may go within the horizon. */
  room(nowMs: number, horizonMs: number, lent: LentNow): number {
    if (this.#share === undefined) return Number.POSITIVE_INFINITY;
    const { count, windowMs } = this.#quota(lent, this.#share);
    const sinceMs = nowMs - windowMs;
    const used = this.#open + this.#log.after(sinceMs) + lent.spent - this.#log.until(sinceMs + horizonMs);
    return Math.max(0, Math.min(count - used, Math.max(this.#left, this.#open > 0 ? 0 : 1)));
  }

  /** A request goes out. */
  sends(): void {
    this.#open++;
    this.#left--;
  }

  /** It was answered, or ended without an answer. `sent`: false where it was taken back. */
  ended(nowMs: number, sent: boolean): void {
    this.#open--;
    if (sent) this.#log.add(nowMs);
  }

  /** The answer to a request of `sentMs`, which has ended, says that so many are left. Those that are still open may not be counted in that. */
  told(remaining: number, sentMs: number): void {
    const left = remaining - this.#open;
    if (sentMs < this.#leftSentMs) {
      this.#left = Math.min(this.#left, left);
      return;
    }
    this.#left = left;
    this.#leftSentMs = sentMs;
  }

  /** What of this process counts now, for the governor: ages of requests and their numbers. undefined: no window was ever known. */
  report(nowMs: number): [ageMs: number, count: number][] | undefined {
    if (this.#windowMs === undefined) return undefined;
    const pieces = this.#log.pieces(nowMs - this.#windowMs, nowMs, PIECES);
    return this.#open > 0 ? [...pieces, [0, this.#open]] : pieces;
  }

  /** Which part of its quota is used; undefined: no window is known. */
  usedPart(nowMs: number, lent: LentNow): number | undefined {
    if (this.#share === undefined) return undefined;
    const { count, windowMs } = this.#quota(lent, this.#share);
    return (this.#open + this.#log.after(nowMs - windowMs) + lent.spent) / count;
  }

  /** Less than one request a window is one in a longer time. */
  #quota({ ratePerSecond }: LentNow, { windowMs }: WindowShare): { count: number; windowMs: number } {
    const count = Math.floor((ratePerSecond * windowMs) / 1_000 + LAST_DIGIT);
    return count >= 1 ? { count, windowMs } : { count: 1, windowMs: 1_000 / ratePerSecond };
  }
}
