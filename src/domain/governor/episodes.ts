/**
 * What a limit lets a worker see of itself: it takes so many requests, refuses, keeps refusing for a while, and takes again. One such course is
 * an episode; several of them tell what kind of limit it is (explain.ts). Counted here by the worker, one request at a time; no clock.
 */

/** Times on the clock of whoever keeps it. */
export interface Episode {
  /** The first request that was taken since the last time of refusals. */
  readonly beganMs: number;
  /** Requests taken from then until one was refused. */
  readonly admitted: number;
  /** The pace at which that one was sent. */
  readonly pacePerSecond: number;
  readonly refusedMs: number;
  /** The last time that it was tried in vain: still refused then. */
  readonly triedMs: number;
  /** The first request that was taken again. */
  readonly recoveredMs: number;
  /** A quota was used at once: any time holds one quota more than its length comes to. Absent: it was spread evenly. */
  readonly bursts?: true;
}

/** An episode in a message: ages, counted from when the message was sent. */
export interface EpisodeReport {
  readonly admitted: number;
  readonly pacePerSecond: number;
  readonly beganAgoMs: number;
  readonly refusedAgoMs: number;
  readonly triedAgoMs: number;
  readonly recoveredAgoMs: number;
}

/** A named pause is given in whole seconds, rounded up: the limit ended within the last one. */
const ROUNDED_MS = 1_000;
/** After a stop somebody who can tries again at once. */
const UNTRIED_MS = 500;
/** In one message. */
const MOST_TOLD = 4;

export class EpisodeCounter {
  #beganMs = Number.NEGATIVE_INFINITY;
  #admitted = 0;
  #open: { -readonly [Key in keyof Episode]: Episode[Key] } | null = null;
  #stoppedUntilMs = Number.NEGATIVE_INFINITY;
  #done: readonly Episode[] = [];

  /** Requests taken since the last refusals. */
  get admitted(): number {
    return this.#admitted;
  }

  /** A request was taken. True: it ends a time of refusals, which is news for the governor. */
  took(sentMs: number, nowMs: number): boolean {
    const open = this.#open;
    if (open !== null) {
      if (sentMs <= open.triedMs) {
        // On its way when another was refused.
        if (sentMs <= open.refusedMs) open.admitted++;
        return false;
      }
      // Tried long after the stop was over, for want of a lease or an alert, it says nothing of when that began.
      const recoveredMs = Math.min(sentMs, this.#stoppedUntilMs + UNTRIED_MS);
      this.#done = [...this.#done, { ...open, recoveredMs }].slice(-MOST_TOLD);
      this.#open = null;
      this.#admitted = 0;
    }
    if (this.#admitted++ === 0) this.#beganMs = open === null ? nowMs : sentMs;
    return open !== null;
  }

  /** `stopMs`: the pause that follows. `named`: the receiver asked for it. */
  refused(sentMs: number, pacePerSecond: number, stopMs: number, named: boolean): void {
    this.#stoppedUntilMs = sentMs + stopMs;
    const floorMs = named && stopMs > 2 * ROUNDED_MS ? sentMs + stopMs - ROUNDED_MS : sentMs;
    if (this.#open === null) {
      this.#open = {
        beganMs: this.#admitted === 0 ? sentMs : this.#beganMs,
        admitted: this.#admitted,
        pacePerSecond,
        refusedMs: sentMs,
        triedMs: floorMs,
        recoveredMs: Number.POSITIVE_INFINITY,
      };
    } else this.#open.triedMs = Math.max(this.#open.triedMs, floorMs);
  }

  /** The episodes that are over and were not told yet, oldest first. */
  told(nowMs: number): EpisodeReport[] {
    const done = this.#done;
    this.#done = [];
    return done.map(({ admitted, pacePerSecond, beganMs, refusedMs, triedMs, recoveredMs }) => ({
      admitted,
      pacePerSecond,
      beganAgoMs: nowMs - beganMs,
      refusedAgoMs: nowMs - refusedMs,
      triedAgoMs: nowMs - Math.min(triedMs, recoveredMs),
      recoveredAgoMs: nowMs - recoveredMs,
    }));
  }

  /** They could not be told after all. */
  untold(reports: readonly EpisodeReport[], toldMs: number): void {
    this.#done = [...reports.map((report) => episodeAt(report, toldMs)), ...this.#done].slice(-MOST_TOLD);
  }
}

/** From ages to instants. */
export function episodeAt(report: EpisodeReport, nowMs: number): Episode {
  return {
    admitted: report.admitted,
    pacePerSecond: report.pacePerSecond,
    beganMs: nowMs - report.beganAgoMs,
    refusedMs: nowMs - report.refusedAgoMs,
    triedMs: nowMs - report.triedAgoMs,
    recoveredMs: nowMs - report.recoveredAgoMs,
  };
}
