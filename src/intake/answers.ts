/**
 * What an uploader finds in the inbox: a file of which nothing was sent is taken out of `processed`, where the delivered ones are, and put into
 * `rejected` under its name, with `NAME.reason.txt` beside it; on request each file that ends leaves `results/NAME.json`. Both folders are made
 * when they are first needed. What a file's workflow says decides; a watcher that ends before that leaves no answer.
 */
import { randomUUID } from 'node:crypto';
import { lstat, open, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Fault } from '../domain/failure.ts';
import { reasonOf } from '../thrown.ts';
import type { FilePlace } from './dropped-file.ts';
import { makeInboxFolder, shareInInbox } from './inbox-modes.ts';
import { fittingName, REJECTED_FOLDER, RESULTS_FOLDER } from './inbox-names.ts';
import type { Say } from './log.ts';
import { moveOverNothing } from './move.ts';
import type { Submission } from './takers.ts';

/** How the delivery of a file ended. */
export interface FileAnswer {
  /** Why the file was refused as a whole, and what to do; undefined: it was not. */
  readonly refusal: string | undefined;
  /** Why some of its endpoints have refused it, and others not: the file stays in `processed`. Absent: none has. */
  readonly partly?: string;
  /** Plain data for `results/NAME.json`. */
  readonly result: object;
}

/** Resolves when the delivery of the file has ended; undefined: it is not known how. */
export type AnswerOf = (submission: Submission) => Promise<FileAnswer | undefined>;

export interface AnswersOptions {
  readonly inbox: string;
  readonly answerOf: AnswerOf;
  /** Whether each file leaves a result. */
  readonly results: boolean;
  readonly say: Say;
}

/** Each is a call to Temporal that waits. Files beyond these stay in `processed`, whatever comes of them. */
const MOST_FOLLOWED = 256;
const MOST_ANSWERED = 2_000;

export class Answers {
  readonly #options: AnswersOptions;
  #followed = 0;

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  /** `path`: where the file is in `processed`; undefined: it is not there any more. */
  follow(submission: Submission, path: string | undefined): void {
    const { results, say } = this.#options;
    if (this.#followed >= (results ? MOST_ANSWERED : MOST_FOLLOWED)) return;
    this.#followed += 1;
    const { fileName: file } = submission;
    this.#answer(submission, path)
      .catch((error: unknown) => {
        say('warn', 'cannot be answered in the inbox', { event: 'file_left', file, reason: reasonOf(error) });
      })
      .finally(() => {
        this.#followed -= 1;
      });
  }

  async #answer(submission: Submission, path: string | undefined): Promise<void> {
    const { answerOf, results, say } = this.#options;
    // Whoever cannot be asked any more says nothing about the file.
    const answer = await answerOf(submission).catch(() => undefined);
    if (answer === undefined) return;
    const { fileName: file, staged } = submission;
    if (answer.refusal !== undefined && path !== undefined) {
      const to = await this.#reject(path, file, answer.refusal);
      if (to !== undefined)
        say('info', 'put into rejected', { event: 'file_rejected', file, sha256: staged.sha256, reason: to });
    }
    if (answer.partly !== undefined) {
      await this.#writeWhole(await this.#folder(REJECTED_FOLDER), file, '.reason.txt', `${answer.partly}\n`);
      say('warn', 'refused by some of its endpoints', { event: 'file_partly_rejected', file, sha256: staged.sha256 });
    }
    if (!results) return;
    await this.#writeWhole(
      await this.#folder(RESULTS_FOLDER),
      file,
      '.json',
      `${JSON.stringify(answer.result, null, 2)}\n`,
    );
  }

  /** A file that was not read. Throws what the file system throws. */
  async refuse(
    { path, name: file }: Pick<FilePlace, 'path' | 'name'>,
    { message, nextStep = '' }: Fault,
  ): Promise<void> {
    const to = await this.#reject(path, file, `${message}\n${nextStep}`);
    this.#options.say('warn', `refused: ${message}`, { event: 'file_rejected', file, ...(to ? { reason: to } : {}) });
  }

  /** Where it is then; undefined: it was gone. */
  async #reject(path: string, file: string, why: string): Promise<string | undefined> {
    const folder = await this.#folder(REJECTED_FOLDER);
    const to = await moveOverNothing(path, (copy) =>
      join(folder, copy === 1 ? fittingName('', file) : fittingName(`${copy}-`, file)),
    );
    if (to !== undefined) await this.#writeWhole(folder, basename(to), '.reason.txt', `${why}\n`);
    return to;
  }

  async #folder(name: string): Promise<string> {
    const folder = join(this.#options.inbox, name);
    await makeInboxFolder(this.#options.inbox, folder);
    if (!(await lstat(folder)).isDirectory()) throw new Error(`${folder} is no folder`);
    return folder;
  }

  /** Nobody reads half of it, and a link in its place leads nowhere. The newest one stays. */
  async #writeWhole(folder: string, name: string, suffix: string, text: string): Promise<void> {
    const target = join(folder, fittingName('', name, suffix));
    const draft = join(folder, `.${randomUUID()}.part`);
    const handle = await open(draft, 'wx');
    try {
      await handle.writeFile(text);
    } finally {
      await handle.close();
    }
    await shareInInbox(this.#options.inbox, draft);
    await rename(draft, target);
  }
}
