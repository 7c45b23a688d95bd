/**
 * Of which uploads only the first alerts are to be sent until somebody approves the rest: `<inbox>/.wds/first/<sha256>`, written before the file
 * is in the inbox and removed when its delivery is known to have begun. So whichever watcher takes the file knows, and at worst (a crash in
 * between) the same bytes are held once more.
 */
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, syncFolder } from '../store/durable-write.ts';
import { isErrno } from '../thrown.ts';
import { refuseLinks } from './claim-folder.ts';
import { STATE_FOLDER } from './inbox-names.ts';

export class FirstAsked {
  readonly #inbox: string;
  readonly #folder: string;

  constructor(inbox: string) {
    this.#inbox = inbox;
    this.#folder = join(inbox, STATE_FOLDER, 'first');
  }

  /** On the disk when it resolves. Throws what the disk throws; Fault `config` where there is a link. */
  async ask(sha256: string, count: number): Promise<void> {
    await refuseLinks(join(this.#inbox, STATE_FOLDER), this.#folder);
    await makeFolder(this.#folder);
    const handle = await open(join(this.#folder, sha256), 'w');
    try {
      await handle.writeFile(`${count}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await syncFolder(this.#folder);
  }

  /** undefined: nobody has asked. */
  async of(sha256: string): Promise<number | undefined> {
    try {
      const count = Number(await readFile(join(this.#folder, sha256), 'utf8'));
      return Number.isSafeInteger(count) && count > 0 ? count : undefined;
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  async settled(sha256: string): Promise<void> {
    await rm(join(this.#folder, sha256), { force: true });
  }
}
