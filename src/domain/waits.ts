/**
 * How long is waited after each kind of trouble: the one table, for attempts that Temporal repeats, for a worker between two requests, and for
 * the governor between two probes. Waits that double begin with the first value and end at the longest.
 */
export const WAITS = {
  /** An attempt, until it is repeated. A row that failed has its own backoff (endpoint.retry), a named pause is a floor. */
  attempt: {
    shuttingDownMs: 100,
    shortestRestMs: 100,
    supersededMs: 1_000,
    unknownEndpointMs: 10_000,
    /** A suppression list that is not there may come: a look costs little. */
    suppressionListMs: 5_000,
    /** The store refuses. Doubles. */
    storeMs: { first: 1_000, longest: 30_000 },
    /** No descriptor, port or buffer on this machine. Doubles. */
    localFaultMs: { first: 1_000, longest: 30_000 },
    /** Rows wait for those of a file that is being delivered. Doubles. */
    earlierFileMs: { first: 500, longest: 15_000 },
    /** 429 without a Retry-After. Doubles. */
    unnamedPauseMs: { first: 1_000, longest: 30_000 },
    /** A pause that is named may be long: so often it is looked at whether an operator has ended it. */
    namedPauseLookMs: 30_000,
    /** The endpoint is ill. Doubles from endpoint.retry's first interval. */
    illLongestMs: 30_000,
    /** The same where nobody is left but alerts that somebody may have got: they are few, and each is to have its last try. */
    illRiskyLongestMs: 10_000,
    /** A longer pause is not sat out in the activity's slot. */
    longestInSlotMs: 2_000,
  },
  /** An alert whose request was not answered for the second time; ten times as long for each further one. */
  unansweredAlertMs: { second: 60_000, longest: 24 * 3_600_000 },
  /** A worker by itself, until it hears from the governor. */
  brake: {
    /** A refusal without a Retry-After. */
    refusedMs: 250,
    /** The same again and again doubles up to this. */
    longestMs: 6_000,
    /** Everything fails: a request so often. */
    doubtMs: 1_000,
  },
  /** The governor's probes of an endpoint that is ill. Doubles. */
  probeMs: { first: 2_000, longest: 15_000, whereUnanswered: 30_000, lastTries: 4_000 },
} as const;

/** The n-th wait (from 1) of a row that doubles. */
export const doubled = ({ first, longest }: { readonly first: number; readonly longest: number }, n: number): number =>
  Math.min(longest, first * 2 ** Math.min(10, Math.max(0, n - 1)));
