/** What `wds doctor` says of one thing that it has looked at. */

/** `warning`: works, and is worth a look. Only a `fault` makes the exit code 1. */
export type FindingState = 'ok' | 'warning' | 'fault';

export interface Finding {
  /** What was looked at, e.g. `disk`. */
  readonly check: string;
  readonly state: FindingState;
  readonly found: string;
  /** What to do about it. */
  readonly next?: string;
}

export const ok = (check: string, found: string): Finding => ({ check, state: 'ok', found });
export const warning = (check: string, found: string, next: string): Finding => ({
  ...{ check, state: 'warning', found, next },
});
export const fault = (check: string, found: string, next: string): Finding => ({ check, state: 'fault', found, next });
