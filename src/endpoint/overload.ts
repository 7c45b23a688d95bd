/**
 * Whether a 503 that names no pause is a limit (the default answer of a widespread reverse proxy to too many requests) or a failure. It is
 * taken for a limit where the endpoint otherwise delivers and several alerts met it one soon after another: then it uses nothing up, and the rate
 * falls. It is a failure where few alerts meet it, where nothing else comes, where the same alert meets it again, and for a while after it went on
 * at a fraction of the rate: it does not go with the rate then.
 */
import type { Verdict } from '../domain/answers.ts';

/** So many in a row, and nothing else: it is down, and not at its limit. */
const RUN = 10;
/** A limit shows itself to so many different alerts among so many answers. Fewer are those that the endpoint cannot digest. */
const CROWD = 5;
const CROWD_AMONG = 50;
/** Alerts that are remembered to have met one. */
const REMEMBERED = 10_000;
/** Below this part of the highest pace that was answered with 503, so many more among CROWD_AMONG answers say that the rate is not the reason. */
const FAR_BELOW = 0.25;
const SPITE = 3;
const SECOND_MS = 1_000;
const BELIEVED_MS = 600_000;

export class Overload {
  readonly #met = new Set<string>();
  #answers = 0;
  /** Of alerts that met one for the first time. */
  readonly #crowd = new Cluster(CROWD);
  #limitUntilMs = Number.NEGATIVE_INFINITY;
  #run = 0;
  #highestPace = 0;
  /** Of those that came in spite of a low pace. */
  readonly #spite = new Cluster(SPITE);
  /** Requests that were sent in a second, by the clock, and in the one before. */
  #second = 0;
  #sentInSecond = 0;
  #sentBefore = 0;
  #failuresUntilMs = Number.NEGATIVE_INFINITY;

  /** `nowMs`: when the request was sent. `well`: the endpoint has delivered, and is not known to be ill. */
  judged(verdict: Verdict, id: string, pacePerSecond: number, well: boolean, nowMs: number): Verdict {
    this.#answers++;
    this.#count(nowMs);
    if (verdict.kind === 'delivered') {
      this.#run = 0;
      return verdict;
    }
    if (verdict.kind !== 'transient' || verdict.status !== 503) return verdict;
    this.#run++;
    if (!well || this.#run > RUN || this.#met.has(id) || nowMs < this.#failuresUntilMs) return verdict;
    this.#remember(id);
    if (nowMs >= this.#limitUntilMs && !this.#crowd.add(this.#answers)) return verdict;
    this.#limitUntilMs = nowMs + BELIEVED_MS;
    // A process that was held up sends faster afterwards than its pace is.
    const pace = Math.max(pacePerSecond, this.#sentInSecond, this.#sentBefore);
    if (pace < FAR_BELOW * this.#highestPace && this.#spite.add(this.#answers)) {
      this.#failuresUntilMs = nowMs + BELIEVED_MS;
      this.#limitUntilMs = Number.NEGATIVE_INFINITY;
      this.#highestPace = 0;
      this.#spite.clear();
      return verdict;
    }
    if (pacePerSecond > this.#highestPace) {
      this.#highestPace = pacePerSecond;
      this.#spite.clear();
    }
    return { kind: 'throttled', status: 503, retryAfterMs: undefined, capped: false };
  }

  #count(nowMs: number): void {
    const second = Math.floor(nowMs / SECOND_MS);
    if (second > this.#second) {
      this.#sentBefore = second === this.#second + 1 ? this.#sentInSecond : 0;
      this.#sentInSecond = 0;
      this.#second = second;
    }
    this.#sentInSecond++;
  }

  #remember(id: string): void {
    this.#met.add(id);
    if (this.#met.size <= REMEMBERED) return;
    const [oldest] = this.#met;
    this.#met.delete(oldest!);
  }
}

/** So many events among CROWD_AMONG answers. */
class Cluster {
  readonly #size: number;
  /** At which answers the last ones came, oldest first. */
  #at: readonly number[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  /** True: with this one they are so many. */
  add(answer: number): boolean {
    this.#at = [...this.#at, answer].slice(-this.#size);
    return this.#at.length === this.#size && answer - this.#at[0]! < CROWD_AMONG;
  }

  clear(): void {
    this.#at = [];
  }
}
