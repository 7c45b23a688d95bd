/**
 * The object that holds the receipts of a chunk, as one attempt writes it: each version names its writer and a number, so no two are equal, and a
 * writer that did not hear how its write ended finds out by reading. Nothing retries a conditional write but this file.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { Fault } from '../domain/failure.ts';
import type { ChunkOf } from './layout.ts';
import { LEDGER, ledgerPrefix } from './layout.ts';

export interface ObjectVersion {
  readonly text: string;
  readonly etag: string;
}

/** What the ledger asks of an object store. A method throws where it is not known what became of the request. */
export interface ObjectStore {
  /** undefined: there is no such object. */
  read(key: string): Promise<ObjectVersion | undefined>;
  /** Writes if the object is still the version `etag` (undefined: if there is none); the new version, or `conflict`. */
  replace(key: string, text: string, etag: string | undefined): Promise<string | 'conflict'>;
  /** Writes, whatever is there. */
  write(key: string, text: string): Promise<void>;
}

/** The object. */
export interface Content {
  readonly writer: string;
  readonly sequence: number;
  /** The highest that was given out. */
  readonly epoch: number;
  readonly round: number;
  readonly parseKey: string;
  /** What closed journals came to. */
  readonly base: string;
  /** How their attempts were answered; absent: nothing is known. */
  readonly figures?: string;
  readonly journals: readonly { readonly epoch: number; readonly text: string }[];
}

interface Version {
  readonly content: Content;
  readonly etag: string;
}

const MOST_TRIES = 100;
/** A service that fails, or asks to be left alone, is tried for so long, ever more rarely: an attempt that gave up would lose its answers. */
const TROUBLE_LIMIT_MS = 20_000;
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 2_000;
export const ledgerKey = (of: ChunkOf): string => `${ledgerPrefix(of)}/${LEDGER}`;

export async function readContent(objects: ObjectStore, key: string): Promise<Version | undefined> {
  const version = await objects.read(key);
  return version && { etag: version.etag, content: JSON.parse(version.text) as Content };
}

/** The object of a chunk as one attempt writes it. */
export class ChunkObject {
  readonly of: ChunkOf;
  readonly objects: ObjectStore;
  readonly #clock: Clock;
  readonly #writer = randomUUID();
  #sequence = 0;
  /** As this attempt last saw it; undefined: not yet, or it does not know. */
  #known: Version | undefined;

  constructor(objects: ObjectStore, of: ChunkOf, clock: Clock) {
    this.objects = objects;
    this.of = of;
    this.#clock = clock;
  }

  /**
   * Replaces the object by what `next` makes of it, however often others come between. `next` may throw to give up. Resolves when the write is
   * known to have been done.
   */
  async change(
    next: (
      before: Content | undefined,
    ) => Promise<Omit<Content, 'writer' | 'sequence'>> | Omit<Content, 'writer' | 'sequence'>,
  ): Promise<void> {
    const key = ledgerKey(this.of);
    const endMs = this.#clock.now() + TROUBLE_LIMIT_MS;
    let waitMs = FIRST_WAIT_MS;
    let trouble: unknown;
    const rest = async (): Promise<void> => {
      await pause(this.#clock, waitMs);
      waitMs = Math.min(LONGEST_WAIT_MS, 2 * waitMs);
    };
    /** A service that takes no write often answers no question either: without the answer nobody knows what became of the write. */
    const look = async (): Promise<Version | undefined> => {
      for (;;) {
        try {
          return await readContent(this.objects, key);
        } catch (error) {
          if (this.#clock.now() > endMs) throw error;
        }
        await rest();
      }
    };
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const mark = { writer: this.#writer, sequence: ++this.#sequence };
      const before = this.#known ?? (await look());
      const content: Content = { ...(await next(before?.content)), ...mark };
      this.#known = undefined;
      trouble = undefined;
      try {
        const etag = await this.objects.replace(key, JSON.stringify(content), before?.etag);
        if (etag !== 'conflict') {
          this.#known = { content, etag };
          return;
        }
      } catch (error) {
        trouble = error;
      }
      // Also after a conflict: something on the way may have sent again what had succeeded.
      const now = await look();
      this.#known = now;
      if (now?.content.writer === mark.writer && now.content.sequence === mark.sequence) return;
      if (trouble === undefined) continue;
      if (this.#clock.now() > endMs) break;
      await rest();
    }
    throw new Fault('store', `${key} cannot be written: others are always faster, or it fails`, 'It is tried again.', {
      cause: trouble,
    });
  }
}

const pause = (clock: Clock, ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, () => resolve()));
