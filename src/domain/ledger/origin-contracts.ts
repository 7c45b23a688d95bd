/** The activities that deal with rows of earlier files: those that rows of a file mend, and, once a message, those that say the same. */
import type { FileWork, RoundOfRun } from '../contracts.ts';
import type { OnceRound } from './earlier.ts';

export interface OriginsInput extends FileWork, RoundOfRun {
  readonly endpoint: string;
  readonly parseKey: string;
  /** Windows that the workflow has seen: the store must have them. Absent in histories of earlier builds. */
  readonly windows?: number;
  readonly once?: OnceRound;
}
export interface LookBackInput extends OriginsInput {
  readonly once: OnceRound;
  /** false: registers the file, and looks for its rows in earlier ones. true: looks again at those that wait for one. */
  readonly waiting: boolean;
}

export interface OriginActivities {
  /** Before a file is sent: the rows that it mends become its own; those that were delivered meanwhile are not sent again. */
  takeOverOrigins(input: OriginsInput): Promise<void>;
  /** After it was sent: what was delivered in their place is written into the receipts of the rows that it mends. */
  settleOrigins(input: OriginsInput): Promise<void>;
  /** Before a file is sent, and before the last visits: rows that say what a row of an earlier file says are settled after that one. */
  lookBack(input: LookBackInput): Promise<void>;
}
