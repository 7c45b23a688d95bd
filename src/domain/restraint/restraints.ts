/** What keeps alerts of a file from being sent: part of how the file was submitted, and told to whoever sends. Pure. */
import type { Schedule } from './schedule.ts';

export interface Restraints {
  /** The path of a list of users who are not alerted; the worker's own one holds besides. Absent: the file has none. */
  readonly suppressFile?: string;
  /** Absent: at any time. */
  readonly schedule?: Schedule;
}

/** These alone. */
export const restraintsOf = ({ suppressFile, schedule }: Restraints): Restraints => ({
  ...(suppressFile === undefined ? {} : { suppressFile }),
  ...(schedule === undefined ? {} : { schedule }),
});
