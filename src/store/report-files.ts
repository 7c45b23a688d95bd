/**
 * The folder of reports of one file at one endpoint. A report is there whole, or it is not there: `report.json` is taken away before the
 * other files change and comes back last, and what it stands for is on the disk by then, also after a power loss.
 *
 * Several may write at once: an attempt that was given up for dead and wakes up, a person who looks. Each writes into a folder of its own,
 * `<reports>/.writing/<folder>/<number>`, whose making (mkdir) takes the next number. Before the files of number n replace the report,
 * all folders of lower numbers are renamed away: whatever their writers rename from then on is not there any more, so that an older
 * report never replaces a newer one, however long its writer slept, and at whichever step.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../domain/failure.ts';
import { isErrno } from '../thrown.ts';
import { makeFolder, syncFolder } from './durable-write.ts';
import { ReportDrafts } from './report-drafts.ts';
import type { EarlierReport, ReportShelf, ReportWriter } from './report-shelf.ts';
import { storeFault } from './store-fault.ts';

const WRITING = '.writing';
const SUMMARY = 'report.json';
const PREVIOUS = 'previous.json';
const GONE = 'gone-';
/** A writer that renames its files is done within milliseconds. */
const NEWER_LIMIT_MS = 5_000;
const POLL_MS = 50;

async function readEarlierReport(folder: string): Promise<EarlierReport | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, SUMMARY), 'utf8')) as EarlierReport;
  } catch {
    return undefined;
  }
}

/** A folder of reports for each file, below one folder. */
export class FolderReports implements ReportShelf {
  readonly place: string;

  constructor(root: string) {
    this.place = root;
  }

  open(folderName: string, headers: Readonly<Record<string, string>>): Promise<ReportFiles> {
    return ReportFiles.open(this.place, folderName, headers);
  }

  async earlier(folderName: string): Promise<(EarlierReport & { readonly place: string }) | undefined> {
    const place = join(this.place, folderName);
    const report = await readEarlierReport(place);
    return report && { ...report, place };
  }

  async read(folderName: string, name: string): Promise<string | undefined> {
    return readFile(join(this.place, folderName, name), 'utf8').catch((error: unknown) => {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw error;
    });
  }
}

export class ReportFiles implements ReportWriter {
  readonly number: number;
  readonly #folder: string;
  /** Of all writers. */
  readonly #writing: string;
  readonly #drafts: ReportDrafts;

  private constructor(folder: string, writing: string, number: number, headers: Readonly<Record<string, string>>) {
    this.#folder = folder;
    this.#writing = writing;
    this.number = number;
    this.#drafts = new ReportDrafts(this.#draft('.'), folder, headers);
  }

  get place(): string {
    return this.#folder;
  }

  static async open(
    reportsRoot: string,
    folderName: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<ReportFiles> {
    const folder = join(reportsRoot, folderName);
    const writing = join(reportsRoot, WRITING, folderName);
    try {
      await makeFolder(folder);
      await mkdir(writing, { recursive: true });
      return new ReportFiles(folder, writing, await takeNumber(folder, writing), headers);
    } catch (error) {
      throw writeFault(folder, error);
    }
  }

  #draft(name: string): string {
    return join(this.#writing, String(this.number), name);
  }

  append(name: string, text: string): Promise<void> {
    return this.#drafts.append(name, text);
  }

  async publish(): Promise<void> {
    await this.#drafts.end();
    try {
      await this.#fenceOlder();
      await this.#replace();
      await rm(this.#draft(PREVIOUS), { force: true });
    } catch (error) {
      if (!isErrno(error, 'ENOENT') || (await exists(this.#draft('.')))) throw writeFault(this.#folder, error);
      await this.#untilNewerIsThere();
    }
  }

  /** From here on no writer of a lower number finds anything to rename. */
  async #fenceOlder(): Promise<void> {
    for (const number of await numbersIn(this.#writing)) {
      if (number >= this.number) continue;
      const renamed = rename(join(this.#writing, String(number)), join(this.#writing, `${GONE}${randomUUID()}`));
      await renamed.catch((error: unknown) => (isErrno(error, 'ENOENT') ? undefined : Promise.reject(error)));
    }
    for (const name of await readdir(this.#writing)) {
      if (name.startsWith(GONE)) await rm(join(this.#writing, name), { recursive: true, force: true });
    }
  }

  /** Each rename has its source or its target in the own folder: all of them fail once a newer writer has taken that away. */
  async #replace(): Promise<void> {
    try {
      await rename(join(this.#folder, SUMMARY), this.#draft(PREVIOUS));
      await syncFolder(this.#folder);
    } catch (error) {
      const isFirst = isErrno(error, 'ENOENT') && (await exists(this.#draft('.')));
      if (!isFirst) throw error;
    }
    for (const name of this.#drafts.names) {
      if (name === SUMMARY) await syncFolder(this.#folder);
      await rename(this.#draft(name), join(this.#folder, name));
    }
    await syncFolder(this.#folder);
  }

  /** A newer writer is at it. Should it have died there, this report is written again, under a higher number. */
  async #untilNewerIsThere(): Promise<void> {
    const endMs = performance.now() + NEWER_LIMIT_MS;
    while (performance.now() < endMs) {
      const { number = 0 } = (await readEarlierReport(this.#folder)) ?? {};
      if (number > this.number) return;
      await sleep(POLL_MS);
    }
    throw new Fault(
      'store',
      `${this.#folder} was to be replaced by a newer report, which did not come about`,
      'Write it again: wds report.',
    );
  }

  async discard(): Promise<void> {
    await this.#drafts.stop();
    // Once the previous summary was taken away, files of two reports may stand side by side: no summary is put back.
    await rm(this.#draft('.'), { recursive: true, force: true });
  }
}

const numbersIn = async (drafts: string): Promise<number[]> =>
  (await readdir(drafts)).filter((name) => /^\d{1,15}$/.test(name)).map(Number);

/** The highest folder stays until a higher one is there, so that no number comes twice. */
async function takeNumber(folder: string, drafts: string): Promise<number> {
  for (;;) {
    const published = (await readEarlierReport(folder))?.number ?? 0;
    const number = 1 + Math.max(published, ...(await numbersIn(drafts)));
    const path = join(drafts, String(number));
    try {
      await mkdir(path);
    } catch (error) {
      if (isErrno(error, 'EEXIST')) continue;
      throw error;
    }
    // Others may have taken this number and higher ones, and be through, since the look at the folders.
    if (Math.max(...(await numbersIn(drafts))) === number) return number;
    await rm(path, { recursive: true, force: true });
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

const writeFault = (path: string, cause: unknown): Fault =>
  cause instanceof Fault ? cause : storeFault('write', path, cause);
