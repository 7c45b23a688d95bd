/**
 * Which watcher takes the files of an inbox in a bucket: the one that is named in the object `.wds/watcher`, which is replaced only by whoever has
 * seen it. Its holder renews it; the others stand by, and one takes over when it has not changed for half a minute, by the observer's own monotonic
 * clock, or at once where its process was of this host and is gone. With the holder stand the terms (terms.ts) that all watchers must share.
 *
 * The claim only spares work: two watchers that believe to have it stage the same bytes, submit the same workflows, and move to the same places.
 */
import { Fault } from '../../domain/failure.ts';
import type { Bucket } from '../../store/s3/bucket.ts';
import { STATE_FOLDER } from '../inbox-names.ts';
import type { WatcherIdentity } from '../instance.ts';
import { processRuns } from '../instance.ts';
import type { Terms } from '../terms.ts';
import { differences } from '../terms.ts';

export const CLAIM_KEY = `${STATE_FOLDER}/watcher`;
export const DEAD_AFTER_MS = 30_000;
/** Renewed three times within its length; looked at as often by the others. */
const PARTS = 3;

interface Shown extends WatcherIdentity {
  /** Rises with each renewal. */
  readonly beat: number;
  readonly terms?: Terms;
}

/** The claim of another watcher, as observed. */
interface Observed {
  readonly etag: string;
  readonly silentMs: number;
  readonly seenMs: number;
  /** It was renewed while it was observed. */
  readonly moved: boolean;
}

export interface InboxClaimParts {
  readonly bucket: Bucket;
  readonly identity: WatcherIdentity;
  /** undefined: any may watch. */
  readonly terms: Terms | undefined;
  readonly nowMs: () => number;
  readonly deadAfterMs?: number | undefined;
}

/** `held`: by this watcher. `standby`: another one has it. `undecided`: with other terms, and it is not known yet whether it lives. A Fault: it does. */
export type ClaimLook = 'held' | 'standby' | 'undecided' | Fault;

export class InboxClaim {
  readonly #parts: InboxClaimParts;
  readonly #deadAfterMs: number;
  /** Of the version that this watcher has written; undefined: it does not hold it. */
  #etag: string | undefined;
  #renewedMs = 0;
  #beat = 0;
  #observed: Observed | undefined;
  #looking: Promise<ClaimLook> | undefined;
  #holder = 'another watcher';

  constructor(parts: InboxClaimParts) {
    this.#parts = parts;
    this.#deadAfterMs = parts.deadAfterMs ?? DEAD_AFTER_MS;
  }

  /** Who else has it, for people. */
  get holder(): string {
    return this.#holder;
  }

  /** The next look is worth its request after so long. */
  get lookEveryMs(): number {
    return this.#deadAfterMs / PARTS;
  }

  /** Takes it where it is free, and renews it where that is due. One at a time. Throws Fault `store`, or `config` of what is no claim. */
  look(): Promise<ClaimLook> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** Whether nobody can have taken over. Throws Fault `store` where that cannot be told. */
  async holds(): Promise<boolean> {
    const isFresh = this.#etag !== undefined && this.#parts.nowMs() - this.#renewedMs < this.#deadAfterMs / 2;
    return isFresh || (await this.look()) === 'held';
  }

  /** The next watcher begins at once. */
  async release(): Promise<void> {
    const etag = this.#etag;
    this.#etag = undefined;
    if (etag !== undefined) await this.#parts.bucket.deleteVersion(CLAIM_KEY, etag);
  }

  async #look(): Promise<ClaimLook> {
    if (this.#etag !== undefined) {
      if (this.#parts.nowMs() - this.#renewedMs < this.lookEveryMs) return 'held';
      if (await this.#write({ etag: this.#etag })) return 'held';
    }
    const there = await this.#read();
    if (there === undefined) return (await this.#write('absent')) ? 'held' : 'standby';
    const { shown, etag } = there;
    // The answer to an earlier write was lost.
    if (shown.instance === this.#parts.identity.instance) {
      this.#beat = shown.beat;
      return (await this.#write({ etag })) ? 'held' : 'standby';
    }
    return this.#judge(shown, etag);
  }

  async #judge(shown: Shown, etag: string): Promise<ClaimLook> {
    const { identity, terms } = this.#parts;
    this.#etag = undefined;
    this.#holder = `process ${shown.pid} on host ${shown.host}`;
    const { silentMs, moved } = this.#observe(etag);
    const others = terms === undefined || shown.terms === undefined ? [] : differences(terms, shown.terms);
    const runs = processRuns(identity, shown);
    // One with other terms may come back: that of a supervisor, whose place is not taken at once.
    const isOver = silentMs >= this.#deadAfterMs || (runs === false && others.length === 0);
    if (isOver) return (await this.#write({ etag })) ? 'held' : 'standby';
    if (others.length === 0) return 'standby';
    return moved || runs === true ? this.#refusal(others) : 'undecided';
  }

  /** What was not looked at is not known to have been silent. */
  #observe(etag: string): Observed {
    const nowMs = this.#parts.nowMs();
    const before = this.#observed;
    const same = before?.etag === etag;
    const silentMs = same ? before.silentMs + Math.min(nowMs - before.seenMs, this.lookEveryMs * 2) : 0;
    const moved = before !== undefined && (before.moved || !same);
    this.#observed = { etag, silentMs, seenMs: nowMs, moved };
    return this.#observed;
  }

  async #write(only: { readonly etag: string } | 'absent'): Promise<boolean> {
    const { bucket, identity, terms, nowMs } = this.#parts;
    this.#beat += 1;
    const atMs = nowMs();
    const shown: Shown = { ...identity, beat: this.#beat, ...(terms === undefined ? {} : { terms }) };
    const written = await bucket.put(CLAIM_KEY, JSON.stringify(shown), { only });
    if (written === 'conflict') return false;
    this.#observed = undefined;
    this.#etag = written;
    this.#renewedMs = atMs;
    return true;
  }

  async #read(): Promise<{ readonly shown: Shown; readonly etag: string } | undefined> {
    const { bucket } = this.#parts;
    const object = await bucket.get(CLAIM_KEY);
    if (object === undefined) return undefined;
    const shown = shownIn(object.bytes);
    if (shown !== undefined) return { shown, etag: object.etag };
    throw new Fault(
      'config',
      `${bucket.place}/${CLAIM_KEY} is not what wds has written there`,
      'Delete the object: the watcher makes it.',
    );
  }

  #refusal(others: readonly string[]): Fault {
    return new Fault(
      'config',
      `${this.#holder} watches ${this.#parts.bucket.place} with ${others.join('; ')}`,
      'Watchers of one inbox must agree, for any of them may take a file. Stop the other one first, or name another inbox.',
    );
  }
}

function shownIn(bytes: Buffer): Shown | undefined {
  try {
    const value = JSON.parse(bytes.toString('utf8')) as Partial<Shown> | null;
    return typeof value?.instance === 'string' && typeof value.beat === 'number' ? (value as Shown) : undefined;
  } catch {
    return undefined;
  }
}
