/**
 * Which refusals a worker takes for strays (stray.ts): none, where they come one after the other or clearly more often than when that was found.
 * Then it brakes, as it usually does, long before the governor hears of it.
 */
const RUN = 10;
const LAST = 100;

export class StrayGuard {
  #share: number | undefined;
  #run = 0;
  /** Of the last requests, whether each was refused: a ring. */
  readonly #last: boolean[] = [];
  #next = 0;
  #refused = 0;

  /** As the governor last told: the part of requests that is refused, whatever the rate. undefined: none that is known of. */
  set share(share: number | undefined) {
    if (share !== undefined && this.#share === undefined) {
      this.#run = 0;
      this.#last.length = 0;
      this.#next = 0;
      this.#refused = 0;
    }
    this.#share = share;
  }

  /** A request was taken. */
  took(): void {
    if (this.#share === undefined) return;
    this.#run = 0;
    this.#count(false);
  }

  /** A request was refused: whether that concerns its own alert only. */
  isStray(): boolean {
    if (this.#share === undefined) return false;
    this.#run++;
    this.#count(true);
    return this.#run < RUN && this.#refused <= LAST * mostOf(this.#share);
  }

  #count(refused: boolean): void {
    if (this.#last[this.#next] === true) this.#refused--;
    if (refused) this.#refused++;
    this.#last[this.#next] = refused;
    this.#next = (this.#next + 1) % LAST;
  }
}

/** The part that is about what it was: it was found from a few refusals, so it may be twice as large. */
export const mostOf = (share: number): number => 2.5 * share + 0.1;
