/** The objects of an inbox that are files to take, as last listed. What is listed is whole: S3 shows an upload when it is complete. */
import type { FilePriority } from '../../domain/contracts.ts';
import type { DetectedFormat } from '../../formats/detect.ts';
import { detectFormat } from '../../formats/detect.ts';
import type { Bucket, ListedObject } from '../../store/s3/bucket.ts';
import {
  isUploadInProgress,
  PROCESSED_FOLDER,
  REJECTED_FOLDER,
  RESULTS_FOLDER,
  STATE_FOLDER,
  URGENT_FOLDER,
} from '../inbox-names.ts';
import type { Say } from '../log.ts';
import { laneOf } from '../under-way.ts';
import { BucketFile } from './bucket-file.ts';

/** So many are looked at in a listing; the rest is found when these are gone. */
const MAX_OBJECTS = 50_000;
const MAX_SAID = 10_000;
/** As long as a name of a file can be on the usual disks: reports are named after it. */
const LONGEST_NAME_BYTES = 255;
const OWN_FOLDERS = new Set([STATE_FOLDER, PROCESSED_FOLDER, REJECTED_FOLDER, RESULTS_FOLDER, URGENT_FOLDER]);

/** Those that are under way, by key. */
export type TakenFiles = ReadonlyMap<string, BucketFile>;

export class BucketListing {
  readonly #bucket: Bucket;
  readonly #say: Say;
  readonly #said = new Set<string>();
  #waiting: readonly BucketFile[] = [];

  constructor(bucket: Bucket, say: Say) {
    this.#bucket = bucket;
    this.#say = say;
  }

  /** Not taken, in the order in which they are to be: urgent ones, small before large, then the oldest. */
  get waiting(): readonly BucketFile[] {
    return this.#waiting;
  }

  /** Throws Fault `store`. */
  async read(taken: TakenFiles): Promise<void> {
    // What was under way when it began may be shown as it was then: the next listing says what is there now.
    const underWay = new Set(taken.keys());
    const { objects, folders } = await this.#bucket.listObjects('', MAX_OBJECTS);
    const urgent = folders.has(URGENT_FOLDER) ? await this.#bucket.listObjects(URGENT_FOLDER, MAX_OBJECTS) : undefined;
    const files = [
      ...this.#filesOf(urgent?.objects ?? [], `${URGENT_FOLDER}/`, 'urgent'),
      ...this.#filesOf(objects, '', 'normal'),
    ];
    this.#waiting = files
      .filter(({ key }) => !underWay.has(key) && !taken.has(key))
      .map((file) => ({ file, rank: rankOf(file) }))
      .sort((a, b) => a.rank - b.rank || a.file.changedMs - b.file.changedMs)
      .map(({ file }) => file);
    for (const folder of folders) if (!OWN_FOLDERS.has(folder)) this.#ignore(`${folder}/`, 'below another folder');
  }

  #filesOf(objects: readonly ListedObject[], folder: string, priority: FilePriority): BucketFile[] {
    return objects.flatMap((object) => {
      const name = object.key.slice(folder.length);
      const kind = this.#kindOf(name);
      return kind === undefined ? [] : [new BucketFile(object, { name, priority, kind })];
    });
  }

  #kindOf(name: string): DetectedFormat | undefined {
    if (isUploadInProgress(name)) return this.#ignore(name, 'the name of an upload in progress');
    const kind = detectFormat(name);
    if (kind === undefined) return this.#ignore(name, 'not a supported kind of file');
    if (Buffer.byteLength(name) <= LONGEST_NAME_BYTES) return kind;
    return this.#ignore(name, `its name is longer than ${LONGEST_NAME_BYTES} bytes`);
  }

  #ignore(name: string, reason: string): undefined {
    if (this.#said.has(name)) return;
    if (this.#said.size >= MAX_SAID) this.#said.clear();
    this.#said.add(name);
    this.#say('info', 'left where it is', { event: 'file_ignored', file: name, reason });
  }

  take(files: ReadonlySet<BucketFile>): void {
    this.#waiting = this.#waiting.filter((file) => !files.has(file));
  }

  /** Another watcher sees to them. */
  forgetAll(): void {
    this.#waiting = [];
  }
}

const rankOf = (file: BucketFile): number => (file.priority === 'urgent' ? 0 : 2) + (laneOf(file) === 'small' ? 0 : 1);
