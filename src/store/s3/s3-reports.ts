/**
 * Reports in a bucket: each in a folder of its own, `reports/<file>/<number>`, and `reports/<file>/report.json` says which one holds. It is written
 * last, and only over that of a lower number, so a report is there whole, and an older one never replaces a newer one. Numbers are taken by
 * creating an object. What is being written lies in a folder of this process until then.
 */
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../../domain/failure.ts';
import { ReportDrafts } from '../report-drafts.ts';
import type { EarlierReport, ReportShelf, ReportWriter } from '../report-shelf.ts';
import { storeFault } from '../store-fault.ts';
import type { PartSize } from '../stored-parts.ts';
import { together } from '../stored-parts.ts';
import type { Bucket, ListedObject } from './bucket.ts';
import type { S3Store } from './s3-store.ts';

const REPORTS = 'reports';
const SUMMARY = 'report.json';
const BEGUN = 'begun';
const MOST_TRIES = 50;
/** What a killed process has left of a report is not written on after so long. */
const LEFT_AFTER_MS = 24 * 3_600_000;
/** Who has put nothing into a report for so long writes no more on it. */
const SILENT_MS = 3_600_000;

export interface S3ReportsOptions {
  readonly bucket: Bucket;
  readonly store: S3Store;
  /** A folder of this host, for what is being written. */
  readonly drafts: string;
}

const folderOf = (folderName: string): string => `${REPORTS}/${folderName}`;
const numberOf = (text: string): number => Number(/^\d{6,}$/.exec(text)?.[0] ?? 0);
const numbered = (number: number): string => String(number).padStart(6, '0');

export class S3Reports implements ReportShelf {
  readonly place: string;
  readonly #options: S3ReportsOptions;

  constructor(options: S3ReportsOptions) {
    this.#options = options;
    this.place = `${options.bucket.place}/${REPORTS}`;
  }

  async open(folderName: string, headers: Readonly<Record<string, string>>): Promise<ReportWriter> {
    const { bucket, store, drafts } = this.#options;
    const folder = folderOf(folderName);
    const number = await takeNumber(store, folder);
    const draft = await newDraft(drafts).catch((error: unknown) => Promise.reject(storeFault('write', drafts, error)));
    return new S3Report({ bucket, folder, number, draft, headers });
  }

  async earlier(folderName: string): Promise<(EarlierReport & { readonly place: string }) | undefined> {
    const report = await newestOf(this.#options.bucket, folderOf(folderName));
    if (report === undefined) return undefined;
    return { ...report, place: `${this.place}/${folderName}/${numbered(report.number ?? 0)}` };
  }

  async read(folderName: string, name: string): Promise<string | undefined> {
    const { bucket } = this.#options;
    const { number } = (await newestOf(bucket, folderOf(folderName))) ?? {};
    if (number === undefined) return undefined;
    return (await bucket.get(`${folderOf(folderName)}/${numbered(number)}/${name}`))?.bytes.toString('utf8');
  }

  /** undefined: there is no report, but perhaps the number of one. */
  async size(folderName: string): Promise<PartSize | undefined> {
    const objects: ListedObject[] = [];
    for await (const object of this.#written(folderOf(folderName))) objects.push(object);
    return together('reports', objects);
  }

  /** Of all files, by what may be the first eight digits of a hash in the name of a folder. */
  async sizesByHash(): Promise<ReadonlyMap<string, readonly PartSize[]>> {
    const folders = new Map<string, PartSize>();
    for await (const object of this.#written(REPORTS)) {
      const [, folder = ''] = object.key.split('/', 2);
      const before = folders.get(folder);
      folders.set(folder, together('reports', before === undefined ? [object] : [before, object])!);
    }
    const byHash = new Map<string, PartSize[]>();
    for (const [folder, size] of folders) {
      for (const [, hash = ''] of folder.matchAll(/-([0-9a-f]{8})(?=-)/g)) {
        byHash.set(hash, [...(byHash.get(hash) ?? []), size]);
      }
    }
    return byHash;
  }

  async *#written(folder: string): AsyncGenerator<ListedObject> {
    for await (const object of this.#options.bucket.objects(`${folder}/`)) {
      if (!object.key.endsWith(`/${BEGUN}`)) yield object;
    }
  }

  /** What somebody is just writing stays; and so do the numbers that were taken, so that none comes twice. */
  async remove(folderName: string): Promise<void> {
    const { bucket } = this.#options;
    const folder = folderOf(folderName);
    const newest = (await newestOf(bucket, folder))?.number ?? 0;
    await bucket.delete(`${folder}/${SUMMARY}`);
    for await (const { key, changedMs } of this.#written(folder)) {
      const number = numberOf(key.split('/')[2] ?? '');
      if (number <= newest || Date.now() - changedMs > SILENT_MS) await bucket.delete(key);
    }
  }
}

/** A folder of its own below that of all drafts, out of which goes what processes that are gone have left there. */
async function newDraft(drafts: string): Promise<string> {
  await mkdir(drafts, { recursive: true });
  for (const name of await readdir(drafts)) {
    const path = join(drafts, name);
    const { mtimeMs = Date.now() } = (await stat(path).catch(() => undefined)) ?? {};
    if (Date.now() - mtimeMs > LEFT_AFTER_MS) await rm(path, { recursive: true, force: true });
  }
  return await mkdtemp(join(drafts, 'report-'));
}

async function newestOf(bucket: Bucket, folder: string): Promise<EarlierReport | undefined> {
  const object = await bucket.get(`${folder}/${SUMMARY}`);
  return object && (JSON.parse(object.bytes.toString('utf8')) as EarlierReport);
}

/** The folder of the highest number stays, so no number comes twice. */
async function takeNumber(store: S3Store, folder: string): Promise<number> {
  let number = Math.max(0, ...(await store.list(folder)).map(numberOf));
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    if (await store.create(`${folder}/${numbered(++number)}/${BEGUN}`, '')) return number;
  }
  throw new Fault('store', `no number can be had for a report in ${folder}`, 'It is tried again.');
}

interface S3ReportParts {
  readonly bucket: Bucket;
  readonly folder: string;
  readonly number: number;
  readonly draft: string;
  readonly headers: Readonly<Record<string, string>>;
}

class S3Report implements ReportWriter {
  readonly number: number;
  readonly place: string;
  readonly #parts: S3ReportParts;
  readonly #drafts: ReportDrafts;

  constructor(parts: S3ReportParts) {
    const { bucket, folder, number, draft, headers } = parts;
    this.#parts = parts;
    this.number = number;
    this.place = `${bucket.place}/${folder}/${numbered(number)}`;
    this.#drafts = new ReportDrafts(draft, draft, headers);
  }

  append(name: string, text: string): Promise<void> {
    return this.#drafts.append(name, text);
  }

  async publish(): Promise<void> {
    const { bucket, folder, number, draft } = this.#parts;
    await this.#drafts.end();
    for (const name of this.#drafts.names) {
      await bucket.upload(`${folder}/${numbered(number)}/${name}`, createReadStream(this.#drafts.pathOf(name)));
    }
    await this.#replaceOlder();
    await rm(draft, { recursive: true, force: true });
  }

  async #replaceOlder(): Promise<void> {
    const { bucket, folder, number } = this.#parts;
    const own = await readFile(this.#drafts.pathOf(SUMMARY));
    const key = `${folder}/${SUMMARY}`;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const there = await bucket.get(key);
      const newest = there && (JSON.parse(there.bytes.toString('utf8')) as EarlierReport);
      if ((newest?.number ?? 0) >= number) return;
      const only = there === undefined ? ('absent' as const) : { etag: there.etag };
      // Whether this one was done is seen by what is there: numbers are not used twice.
      const done = await bucket.put(key, own, { only }).catch(() => 'conflict');
      if (done === 'conflict') continue;
      await this.#removeOlder();
      return;
    }
    throw new Fault('store', `the report ${this.place} cannot be published`, 'It is written again.');
  }

  /** What others are writing there comes to nothing, for a newer report is there. */
  async #removeOlder(): Promise<void> {
    const { bucket, folder, number } = this.#parts;
    for (const name of await bucket.list(folder)) {
      const older = numberOf(name);
      if (older > 0 && older < number) await bucket.deleteBelow(`${folder}/${name}`);
    }
  }

  async discard(): Promise<void> {
    const { bucket, folder, number, draft } = this.#parts;
    await this.#drafts.stop();
    await rm(draft, { recursive: true, force: true });
    for (const name of this.#drafts.names) {
      await bucket.delete(`${folder}/${numbered(number)}/${name}`).catch(() => undefined);
    }
  }
}
