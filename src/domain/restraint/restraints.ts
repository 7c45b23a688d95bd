/** What keeps alerts of a file from being sent: part of how the file was submitted, and told to whoever sends. Pure. */

export interface Restraints {
  /** The path of a list of users who are not alerted; the worker's own one holds besides. Absent: the file has none. */
  readonly suppressFile?: string;
}

/** These alone. */
export const restraintsOf = ({ suppressFile }: Restraints): Restraints =>
  suppressFile === undefined ? {} : { suppressFile };
