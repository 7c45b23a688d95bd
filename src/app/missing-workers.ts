/** One line in the log when files wait for want of a worker, for each thing that is missing, and one when nothing is any more. */
import type { Logger } from 'pino';
import type { ProgressUpdate, UnderWayObserver } from './app.ts';

export class MissingWorkers implements UnderWayObserver {
  readonly #log: Pick<Logger, 'warn' | 'info'>;
  /** Files that wait, by what is missing. */
  readonly #missing = new Map<string, Set<string>>();

  constructor(log: Pick<Logger, 'warn' | 'info'>) {
    this.#log = log;
  }

  progress({ file, waiting }: ProgressUpdate): void {
    const text = waiting?.why === 'no_worker' ? waiting.text : undefined;
    for (const [other, files] of this.#missing) if (other !== text) this.#gone(other, files, file);
    if (text === undefined) return;
    const files = this.#missing.get(text);
    if (files === undefined) this.#log.warn({ event: 'no_worker', file }, `waiting: ${text}`);
    this.#missing.set(text, (files ?? new Set()).add(file));
  }

  left(file: string): void {
    for (const [text, files] of this.#missing) this.#gone(text, files, file);
  }

  #gone(text: string, files: Set<string>, file: string): void {
    if (!files.delete(file) || files.size > 0) return;
    this.#missing.delete(text);
    this.#log.info({ event: 'no_worker_over', file }, `no longer waiting: ${text}`);
  }
}
