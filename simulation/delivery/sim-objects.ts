/**
 * An object store as one process sees it, with the semantics of S3: whole objects, versions, conditional writes, strong consistency. A request
 * takes time and takes effect at one instant; some fail before that, and of some that took effect the answer is lost.
 */
import type { ObjectStore, ObjectVersion } from '../../src/store/chunk-object.ts';
import type { Chance } from '../chance.ts';
import type { SimProcess } from './sim-process.ts';

/** What is stored, for all processes of a home. */
export class Bucket {
  readonly objects = new Map<string, ObjectVersion>();
  #versions = 0;

  put(key: string, text: string): string {
    const etag = `v${++this.#versions}`;
    this.objects.set(key, { text, etag });
    return etag;
  }
}

export interface SimObjectsOptions {
  readonly process: SimProcess;
  readonly bucket: Bucket;
  readonly chance: Chance;
  /** Share of requests that fail, as it is now. */
  readonly failing: () => number;
  readonly trace: ((text: string) => void) | undefined;
  /** Told of each conditional write, when it is begun. */
  readonly onReplace: (key: string, text: string) => void;
}

const LONGEST_MS = 40;
const never = (): Promise<never> => new Promise(() => undefined);

export class SimObjects implements ObjectStore {
  readonly #options: SimObjectsOptions;

  constructor(options: SimObjectsOptions) {
    this.#options = options;
  }

  read(key: string): Promise<ObjectVersion | undefined> {
    return this.#request(`read ${key}`, ({ objects }) => objects.get(key));
  }

  replace(key: string, text: string, etag: string | undefined): Promise<string | 'conflict'> {
    this.#options.onReplace(key, text);
    return this.#request(`replace ${key} ${etag ?? 'none'}`, (bucket) =>
      bucket.objects.get(key)?.etag === etag ? bucket.put(key, text) : 'conflict',
    );
  }

  write(key: string, text: string): Promise<void> {
    return this.#request(`write ${key}`, (bucket) => {
      bucket.put(key, text);
    });
  }

  #request<T>(label: string, act: (bucket: Bucket) => T): Promise<T> {
    const { process, bucket, chance, failing, trace } = this.#options;
    if (process.dead) return never();
    const fault = chance.happens(failing()) ? chance.pick(['before', 'after'] as const) : undefined;
    return new Promise((resolve, reject) => {
      process.scheduler.after(chance.between(0, LONGEST_MS / 2), undefined, () => {
        const value = fault === 'before' ? undefined : act(bucket);
        trace?.(
          `  ${label}${fault === undefined ? '' : ` (fails ${fault})`}${value === 'conflict' ? ': conflict' : ''}`,
        );
        process.after(chance.between(0, LONGEST_MS / 2), () => {
          if (fault === undefined) resolve(value as T);
          else reject(new Error(fault === 'before' ? '503 SlowDown' : 'the answer was lost'));
        });
      });
    });
  }
}
