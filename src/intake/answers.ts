/**
 * What an uploader finds in the inbox: a file of which nothing was sent is taken out of `processed`, where the delivered ones are, and put into
 * `rejected` under its name, with `NAME.reason.txt` beside it; on request each file that ends leaves `results/NAME.json`. What a file's workflow
 * says decides; a watcher that ends before that leaves no answer.
 */
import type { Fault } from '../domain/failure.ts';
import { reasonOf } from '../thrown.ts';
import { REJECTED_FOLDER, RESULTS_FOLDER } from './inbox-names.ts';
import type { Say } from './log.ts';
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

/** Where the answers of an inbox lie. `From`: where a file of it is. */
export interface AnswerShelf<From> {
  /** Puts a file where refused ones are, over nothing, with why beside it. Its place then; undefined: it was gone. */
  reject(from: From, file: string, why: string): Promise<string | undefined>;
  /** Whole, or not at all; the newest one stays. */
  write(folder: string, file: string, suffix: string, text: string): Promise<void>;
}

export interface AnswersOptions<From> {
  readonly shelf: AnswerShelf<From>;
  readonly answerOf: AnswerOf;
  /** Whether each file leaves a result. */
  readonly results: boolean;
  readonly say: Say;
}

/** Each is a call to Temporal that waits. Files beyond these stay in `processed`, whatever comes of them. */
const MOST_FOLLOWED = 256;
const MOST_ANSWERED = 2_000;

export class Answers<From> {
  readonly #options: AnswersOptions<From>;
  #followed = 0;

  constructor(options: AnswersOptions<From>) {
    this.#options = options;
  }

  /** `path`: where the file is in `processed`; undefined: it is not there any more. */
  follow(submission: Submission, path: From | undefined): void {
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

  async #answer(submission: Submission, path: From | undefined): Promise<void> {
    const { answerOf, results, say, shelf } = this.#options;
    // Whoever cannot be asked any more says nothing about the file.
    const answer = await answerOf(submission).catch(() => undefined);
    if (answer === undefined) return;
    const { fileName: file, staged } = submission;
    if (answer.refusal !== undefined && path !== undefined) {
      const to = await shelf.reject(path, file, answer.refusal);
      if (to !== undefined)
        say('info', 'put into rejected', { event: 'file_rejected', file, sha256: staged.sha256, reason: to });
    }
    if (answer.partly !== undefined) {
      await shelf.write(REJECTED_FOLDER, file, '.reason.txt', `${answer.partly}\n`);
      say('warn', 'refused by some of its endpoints', { event: 'file_partly_rejected', file, sha256: staged.sha256 });
    }
    if (!results) return;
    await shelf.write(RESULTS_FOLDER, file, '.json', `${JSON.stringify(answer.result, null, 2)}\n`);
  }

  /** A file that was not read. Throws what its place throws. */
  async refuse(from: From, file: string, { message, nextStep = '' }: Fault): Promise<void> {
    const { shelf, say } = this.#options;
    const to = await shelf.reject(from, file, `${message}\n${nextStep}`);
    say('warn', `refused: ${message}`, { event: 'file_rejected', file, ...(to ? { reason: to } : {}) });
  }
}
