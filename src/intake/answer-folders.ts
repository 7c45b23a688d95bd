/** The answers of an inbox that is a folder: its folders `rejected` and `results`, made when they are first needed. */
import { randomUUID } from 'node:crypto';
import { lstat, open, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { AnswerShelf } from './answers.ts';
import { makeInboxFolder, shareInInbox } from './inbox-modes.ts';
import { fittingName, REJECTED_FOLDER } from './inbox-names.ts';
import { moveOverNothing } from './move.ts';

/** Throws what the file system throws. */
export class AnswerFolders implements AnswerShelf<string> {
  readonly #inbox: string;

  constructor(inbox: string) {
    this.#inbox = inbox;
  }

  async reject(path: string, file: string, why: string): Promise<string | undefined> {
    const folder = await this.#folder(REJECTED_FOLDER);
    const to = await moveOverNothing(path, (copy) =>
      join(folder, copy === 1 ? fittingName('', file) : fittingName(`${copy}-`, file)),
    );
    if (to !== undefined) await this.write(REJECTED_FOLDER, basename(to), '.reason.txt', `${why}\n`);
    return to;
  }

  /** Nobody reads half of it, and a link in its place leads nowhere. */
  async write(name: string, file: string, suffix: string, text: string): Promise<void> {
    const folder = await this.#folder(name);
    const draft = join(folder, `.${randomUUID()}.part`);
    const handle = await open(draft, 'wx');
    try {
      await handle.writeFile(text);
    } finally {
      await handle.close();
    }
    await shareInInbox(this.#inbox, draft);
    await rename(draft, join(folder, fittingName('', file, suffix)));
  }

  async #folder(name: string): Promise<string> {
    const folder = join(this.#inbox, name);
    await makeInboxFolder(this.#inbox, folder);
    if (!(await lstat(folder)).isDirectory()) throw new Error(`${folder} is no folder`);
    return folder;
  }
}
