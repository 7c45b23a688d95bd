/**
 * Dropped files of which nothing was sent: they are taken out of `processed`, where the delivered ones are, and put into `rejected` under the same
 * name. What a file's workflow says decides; a watcher that ends before that leaves the file where it is.
 */
import { lstat, mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { reasonOf } from '../thrown.ts';
import { fittingName, REJECTED_FOLDER } from './inbox-names.ts';
import type { Say } from './log.ts';
import { moveOverNothing } from './move.ts';
import type { Submission } from './submission-queue.ts';

/** Resolves when the delivery of the file has ended, and says whether the file was refused. */
export type IsRefused = (submission: Submission) => Promise<boolean>;

/** Each is a call to Temporal that waits. Files beyond these stay in `processed`, whatever comes of them. */
const MOST_FOLLOWED = 256;

export class RefusedDrops {
  readonly #folder: string;
  readonly #isRefused: IsRefused;
  readonly #say: Say;
  #followed = 0;

  constructor(inbox: string, isRefused: IsRefused, say: Say) {
    this.#folder = join(inbox, REJECTED_FOLDER);
    this.#isRefused = isRefused;
    this.#say = say;
  }

  /** `path`: where the file is in `processed`. */
  follow(submission: Submission, path: string): void {
    if (this.#followed >= MOST_FOLLOWED) return;
    this.#followed += 1;
    const { fileName: file } = submission;
    this.#putAway(submission, path)
      .catch((error: unknown) => {
        this.#say('warn', 'cannot be put into rejected', { event: 'file_left', file, reason: reasonOf(error) });
      })
      .finally(() => {
        this.#followed -= 1;
      });
  }

  async #putAway(submission: Submission, path: string): Promise<void> {
    // Whoever cannot be asked any more says nothing about the file.
    if (!(await this.#isRefused(submission).catch(() => false))) return;
    await mkdir(this.#folder, { recursive: true });
    if (!(await lstat(this.#folder)).isDirectory()) throw new Error(`${this.#folder} is no folder`);
    const name = basename(path);
    const to = await moveOverNothing(path, (copy) =>
      join(this.#folder, copy === 1 ? name : fittingName(`${copy}-`, name)),
    );
    if (to === undefined) return;
    const { fileName: file, staged } = submission;
    this.#say('info', 'put into rejected', { event: 'file_rejected', file, sha256: staged.sha256, reason: to });
  }
}
