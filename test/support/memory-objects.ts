/**
 * An object store in memory with the semantics of S3: whole objects, versions by ETag, conditional writes, strong consistency. A test may
 * have requests fail before they do anything, or after they did it.
 */
import { createHash } from 'node:crypto';
import type { ObjectStore, ObjectVersion } from '../../src/store/chunk-object.ts';

/** `before`: refused (503 SlowDown, connection cut on the way there). `after`: done, and the answer is lost (time-out, 500). */
export type RequestFault = 'before' | 'after' | undefined;

export class MemoryObjects implements ObjectStore {
  readonly #objects = new Map<string, string>();
  /** Asked once a request. */
  fault: (request: 'read' | 'replace' | 'write' | 'list') => RequestFault = () => undefined;
  /** Bytes that were written twice, version after version, under one key: ETags could not tell them apart. */
  readonly equalVersions: string[] = [];
  requests = 0;

  read(key: string): Promise<ObjectVersion | undefined> {
    return this.#request('read', () => {
      const text = this.#objects.get(key);
      return text === undefined ? undefined : { text, etag: etagOf(text) };
    });
  }

  replace(key: string, text: string, etag: string | undefined): Promise<string | 'conflict'> {
    return this.#request('replace', () => {
      const before = this.#objects.get(key);
      if ((before === undefined ? undefined : etagOf(before)) !== etag) return 'conflict';
      if (before === text) this.equalVersions.push(key);
      this.#objects.set(key, text);
      return etagOf(text);
    });
  }

  write(key: string, text: string): Promise<void> {
    return this.#request('write', () => void this.#objects.set(key, text));
  }

  list(prefix: string): Promise<string[]> {
    const below = `${prefix}/`;
    return this.#request('list', () =>
      [...this.#objects.keys()].filter((key) => key.startsWith(below)).map((key) => key.slice(below.length)),
    );
  }

  async #request<T>(kind: 'read' | 'replace' | 'write' | 'list', act: () => T): Promise<T> {
    this.requests++;
    const fault = this.fault(kind);
    await Promise.resolve();
    if (fault === 'before') throw new Error('503 SlowDown');
    const result = act();
    if (fault === 'after') throw new Error('the answer was lost');
    return result;
  }
}

const etagOf = (text: string): string => createHash('md5').update(text).digest('hex');
