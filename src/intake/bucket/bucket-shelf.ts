/**
 * Where objects of an inbox go: `processed/<time of the upload>-<8 digits of the SHA-256>-<name>`, `rejected/<name>` with its reason,
 * `results/<name>.json`. An object is copied within the service and then deleted, both only as the version that was taken: what was uploaded over
 * it meanwhile stays, and is a file of its own. Where it goes follows from what it is, so whoever does it again after a crash does the same.
 */
import type { Bucket, Version } from '../../store/s3/bucket.ts';
import type { StagedFile } from '../../store/staged-file.ts';
import type { AnswerShelf } from '../answers.ts';
import { fittingName, PROCESSED_FOLDER, REJECTED_FOLDER } from '../inbox-names.ts';
import type { BucketFile } from './bucket-file.ts';

export type ShelvedObject = Version & { readonly key: string };

/** Throws Fault `store`. */
export class BucketShelf implements AnswerShelf<ShelvedObject> {
  readonly #bucket: Bucket;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  /** Where it is in `processed`; undefined: the version that was taken was replaced, or is gone. */
  finish(file: BucketFile, { sha256 }: StagedFile): Promise<ShelvedObject | undefined> {
    const time = new Date(Number.isFinite(file.changedMs) ? file.changedMs : 0).toISOString().replaceAll(/[-:]/g, '');
    return this.#move(file, `${PROCESSED_FOLDER}/${fittingName(`${time}-${sha256.slice(0, 8)}-`, file.name)}`);
  }

  async reject(from: ShelvedObject, file: string, why: string): Promise<string | undefined> {
    const name = await this.#freeName(file);
    const to = await this.#move(from, `${REJECTED_FOLDER}/${name}`);
    if (to === undefined) return undefined;
    await this.write(REJECTED_FOLDER, name, '.reason.txt', `${why}\n`);
    return `${this.#bucket.place}/${to.key}`;
  }

  async #freeName(file: string): Promise<string> {
    for (let copy = 1; ; copy++) {
      const name = fittingName(copy === 1 ? '' : `${copy}-`, file);
      if ((await this.#bucket.head(`${REJECTED_FOLDER}/${name}`)) === undefined) return name;
    }
  }

  async write(folder: string, file: string, suffix: string, text: string): Promise<void> {
    await this.#bucket.put(`${folder}/${fittingName('', file, suffix)}`, text);
  }

  async #move(from: ShelvedObject, to: string): Promise<ShelvedObject | undefined> {
    const etag = await this.#bucket.copyVersion(from.key, to, from);
    if (etag === undefined) return undefined;
    await this.#bucket.deleteVersion(from.key, from.etag);
    return { key: to, etag, sizeBytes: from.sizeBytes };
  }
}
