/**
 * Who takes a file that was dropped: for each endpoint of its inbox, whatever begins its delivery there. A file is through when all of them
 * have taken it; whoever has is not asked again, for that could begin a new round of a delivery that has failed meanwhile.
 */
import type { FilePriority } from '../domain/contracts.ts';
import type { StagedFile } from '../store/staged-file.ts';
import { reasonOf } from '../thrown.ts';

export interface Submission {
  readonly staged: StagedFile;
  readonly priority: FilePriority;
  /** Base name of this drop; `staged.name` is that of the first one. */
  readonly fileName: string;
  /** So many alerts are sent, and the rest when somebody approves it. Absent: as is configured. */
  readonly first?: number;
}

export type SubmitResult = 'started' | 'attached' | 'already_delivered' | 'retried';
/** Makes sure that a workflow has the file. Idempotent; a rejection means that it is not known to have it. */
export type Submit = (submission: Submission) => Promise<SubmitResult>;

export interface Taker {
  /** For the log lines only. */
  readonly endpoint?: string;
  readonly submit: Submit;
}

/** What each of them has answered. */
export type Taken = Map<Taker, SubmitResult>;

/** Offers the file to all that have not taken it. Throws what the first one that did not take it says, after the others were asked. */
export async function offer(takers: readonly Taker[], submission: Submission, taken: Taken): Promise<void> {
  const refusals: unknown[] = [];
  for (const taker of takers) {
    if (taken.has(taker)) continue;
    try {
      taken.set(taker, await taker.submit(submission));
    } catch (error) {
      refusals.push(
        takers.length === 1 ? error : new Error(`to ${taker.endpoint}: ${reasonOf(error)}`, { cause: error }),
      );
    }
  }
  if (refusals.length > 0) throw refusals[0];
}
