/**
 * When an endpoint counts as ill: the one set of thresholds, for a process that stops spending alerts on it and for the governor that opens
 * the circuit. A run is unbroken: any success ends it.
 */
export type BadKind = 'failure' | number;

/** As many passing failures (no answer, 5xx) of different alerts in a row: it is down. */
const DOWN_RUN = 10;
/** As many identical refusals (a redirect, 401, 404, 405 …): it is misconfigured. */
const MISCONFIGURED_RUN = 20;
/** Refusals after which a worker waits for the governor: two workers together stay below 30. */
const REFUSALS_TO_REPORT = 10;
/** Just come back, it is taken for gone again much sooner. */
const RELAPSE_RUN = 4;

export type Illness = 'down' | 'misconfigured';

/** undefined: it is not ill as far as this run tells. `recovering`: it has come back a moment ago. */
export function illnessOf(kind: BadKind, run: number, recovering = false): Illness | undefined {
  if (run < (recovering ? RELAPSE_RUN : kind === 'failure' ? DOWN_RUN : MISCONFIGURED_RUN)) return undefined;
  return kind === 'failure' ? 'down' : 'misconfigured';
}

/** Whether a worker should wait for what the governor makes of its run. */
export const isWorthReporting = (kind: BadKind, run: number): boolean =>
  kind === 'failure' ? run >= DOWN_RUN : run > 0 && run % REFUSALS_TO_REPORT === 0;

/** The first time only: each report costs history. */
export const isFirstReport = (kind: BadKind, run: number): boolean =>
  kind === 'failure' ? run === DOWN_RUN : isWorthReporting(kind, run);
