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
import { once } from 'node:events';
import type { WriteStream } from 'node:fs';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../domain/failure.ts';
import { errnoOf, isErrno } from '../thrown.ts';
import { makeFolder, syncFolder } from './durable-write.ts';
import type { EarlierReport, ReportShelf, ReportWriter } from './report-shelf.ts';

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
  readonly #drafts: string;
  readonly #streams = new Map<string, WriteStream>();

  private constructor(folder: string, drafts: string, number: number) {
    this.#folder = folder;
    this.#drafts = drafts;
    this.number = number;
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
    const drafts = join(reportsRoot, WRITING, folderName);
    let files: ReportFiles;
    try {
      await makeFolder(folder);
      await mkdir(drafts, { recursive: true });
      files = new ReportFiles(folder, drafts, await takeNumber(folder, drafts));
    } catch (error) {
      throw writeFault(folder, error);
    }
    for (const name of Object.keys(headers)) {
      const stream = createWriteStream(files.#draft(name), { flush: true });
      files.#streams.set(name, stream);
      // Faults surface at the next append or at the end; without a listener they would end the process.
      stream.on('error', () => undefined);
    }
    for (const [name, header] of Object.entries(headers)) files.#streams.get(name)?.write(header);
    return files;
  }

  #draft(name: string): string {
    return join(this.#drafts, String(this.number), name);
  }

  async append(name: string, text: string): Promise<void> {
    if (text === '') return;
    const stream = this.#streams.get(name);
    if (stream === undefined) throw new Error(`no report file ${name}`);
    if (stream.errored) throw writeFault(join(this.#folder, name), stream.errored);
    if (!stream.write(text)) {
      const drained = once(stream, 'drain');
      await drained.catch((error: unknown) => Promise.reject(writeFault(join(this.#folder, name), error)));
    }
  }

  async publish(): Promise<void> {
    await Promise.all([...this.#streams].map(([name, stream]) => this.#end(name, stream)));
    try {
      await this.#fenceOlder();
      await this.#replace();
      await rm(this.#draft(PREVIOUS), { force: true });
    } catch (error) {
      if (!isErrno(error, 'ENOENT') || (await exists(this.#draft('.')))) throw writeFault(this.#folder, error);
      await this.#untilNewerIsThere();
    }
  }

  async #end(name: string, stream: WriteStream): Promise<void> {
    try {
      stream.end();
      if (!stream.closed) await once(stream, 'close');
      if (stream.errored) throw stream.errored;
    } catch (error) {
      throw writeFault(join(this.#folder, name), error);
    }
  }

  /** From here on no writer of a lower number finds anything to rename. */
  async #fenceOlder(): Promise<void> {
    for (const number of await numbersIn(this.#drafts)) {
      if (number >= this.number) continue;
      const renamed = rename(join(this.#drafts, String(number)), join(this.#drafts, `${GONE}${randomUUID()}`));
      await renamed.catch((error: unknown) => (isErrno(error, 'ENOENT') ? undefined : Promise.reject(error)));
    }
    for (const name of await readdir(this.#drafts)) {
      if (name.startsWith(GONE)) await rm(join(this.#drafts, name), { recursive: true, force: true });
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
    for (const name of this.#streams.keys()) {
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
    for (const stream of this.#streams.values()) {
      stream.destroy();
      // Destroyed while it is being opened, it would still create its file.
      if (!stream.closed) await once(stream, 'close').catch(() => undefined);
    }
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

function writeFault(path: string, cause: unknown): Fault {
  if (cause instanceof Fault) return cause;
  return new Fault(
    'store',
    `cannot write ${path}: ${errnoOf(cause) ?? 'unknown error'}`,
    'Check free space and permissions; the report is written again by itself.',
    { cause },
  );
}
