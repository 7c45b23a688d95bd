/**
 * Idempotency keys of posts, in `<inbox>/.wds/keys/`, for all API processes of an inbox. A key is claimed before its post is written, and
 * marked when the post is on the disk. Both are symbolic links that lead nowhere: made by one call, never half, and only if the name is free,
 * so of two posts with one key exactly one gets it. Their targets hold what is known of the post.
 *
 *     keys/3f2/<rest of the hash>.0    <hash of the alerts>.<instance>.<post>       claimed
 *     keys/3f2/<rest of the hash>.0+   the same link by a second name              the post counts
 *
 * Targets are kept below 60 characters: common file systems hold so much without a block of 4 KiB for each.
 * A claim of a process that has ended, and whose post was not on the disk, counts for nothing: the next generation (`.1`) is claimed.
 * (docs/decisions/, "Posts are gathered into files")
 */
import { createHash } from 'node:crypto';
import { link, lstat, mkdir, readdir, readlink, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../thrown.ts';

const KEPT_MS = 7 * 24 * 3_600_000;
const SHARD_DIGITS = 3;
const SHARDS = 16 ** SHARD_DIGITS;
const HASH = /^[0-9a-f]{40}$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const SHORT_ID = /^[\w-]{22}$/;
const SWEEP_EVERY_MS = (24 * 3_600_000) / SHARDS;

export type KeyAnswer =
  /** It is this post's. `mark` says that the post is on the disk, `release` that it will not be. */
  | { readonly kind: 'claimed'; readonly claim: KeyClaim }
  /** The same alerts were taken with it before. */
  | { readonly kind: 'known'; readonly post: string }
  /** It was used for other alerts. */
  | { readonly kind: 'other_alerts' }
  /** Another process is at work on it. */
  | { readonly kind: 'in_use' };

export interface KeyClaim {
  /** How rows name it: hash and generation. */
  readonly name: string;
}

export interface PostKeysOptions {
  readonly folder: string;
  /** Of this process. */
  readonly instance: () => string;
  /** Whether a process has ended, and what it had is settled. */
  readonly isOver: (instance: string) => Promise<boolean>;
  /** Time of day. */
  readonly nowMs?: () => number;
}

export const keyHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 40);

export class PostKeys {
  readonly #options: PostKeysOptions;
  readonly #nowMs: () => number;
  readonly #made = new Set<string>();
  #sweep: NodeJS.Timeout | undefined;
  #nextShard = Math.floor(Math.random() * SHARDS);

  constructor(options: PostKeysOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
  }

  /** Removes what is older than it is kept, a part of all keys at a time. */
  beginSweeping(): void {
    this.#sweep ??= setInterval(() => void this.sweepNext().catch(() => undefined), SWEEP_EVERY_MS).unref();
  }

  /** `key`: its hash; `alerts`: a hash of what is posted; `post`: its ID. */
  async claim(key: string, alerts: string, post: string): Promise<KeyAnswer> {
    await this.#makeShard(key);
    for (let generation = 0; ; ) {
      const name = `${key}.${generation}`;
      const path = this.#pathOf(name);
      if (await created(path, `${shortHash(alerts)}.${this.#options.instance()}.${shortId(post)}`))
        return { kind: 'claimed', claim: { name } };
      const claimed = await read(path);
      // Given back just now.
      if (claimed === undefined) continue;
      const state = (await this.#isOld(path)) ? 'over' : await this.#stateOf(path, claimed.instance);
      if (state === 'in_use') return { kind: 'in_use' };
      if (state === 'marked') {
        return shortHash(claimed.alerts) === shortHash(alerts)
          ? { kind: 'known', post: claimed.post }
          : { kind: 'other_alerts' };
      }
      generation += 1;
    }
  }

  async #stateOf(path: string, instance: string): Promise<'marked' | 'in_use' | 'over'> {
    if (await exists(`${path}+`)) return 'marked';
    if (instance === this.#options.instance() || !(await this.#options.isOver(instance))) return 'in_use';
    // Whoever settled it may have marked it between the two looks.
    return (await exists(`${path}+`)) ? 'marked' : 'over';
  }

  /** Says that the post of a claim is on the disk. */
  async mark(name: string, post: string): Promise<void> {
    await this.#makeShard(name);
    const path = this.#pathOf(name);
    try {
      // Costs no inode of its own.
      await link(path, `${path}+`);
    } catch (error) {
      // Its claim was swept away, or the file system has no second names.
      if (!isErrno(error, 'EEXIST')) await created(`${path}+`, post);
    }
  }

  /** Gives a claim of this process back. */
  async release({ name }: KeyClaim): Promise<void> {
    await rm(this.#pathOf(name), { force: true });
  }

  close(): void {
    clearInterval(this.#sweep);
  }

  /** An old generation stays as long as a later one counts: the name of the first must not become free before. */
  async sweepNext(): Promise<void> {
    const shard = this.#nextShard.toString(16).padStart(SHARD_DIGITS, '0');
    this.#nextShard = (this.#nextShard + 1) % SHARDS;
    const folder = join(this.#options.folder, shard);
    const byKey = new Map<string, string[]>();
    for (const name of await readdir(folder).catch(() => [])) {
      const key = name.split('.')[0] ?? '';
      byKey.set(key, [...(byKey.get(key) ?? []), name]);
    }
    for (const names of byKey.values()) {
      const old = await Promise.all(names.map((name) => this.#isOld(join(folder, name))));
      if (!old.every(Boolean)) continue;
      // The last generation first.
      for (const name of names.sort().reverse()) await rm(join(folder, name), { force: true });
    }
  }

  async #isOld(path: string): Promise<boolean> {
    const stats = await lstat(path).catch(() => undefined);
    return stats !== undefined && this.#nowMs() - stats.mtimeMs > KEPT_MS;
  }

  #pathOf(name: string): string {
    return join(this.#options.folder, name.slice(0, SHARD_DIGITS), name.slice(SHARD_DIGITS));
  }

  async #makeShard(key: string): Promise<void> {
    const shard = key.slice(0, SHARD_DIGITS);
    if (this.#made.has(shard)) return;
    await mkdir(join(this.#options.folder, shard), { recursive: true });
    this.#made.add(shard);
  }
}

/** undefined: there is no such claim. */
async function read(path: string): Promise<{ alerts: string; instance: string; post: string } | undefined> {
  const target = await readlink(path).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (target === undefined) return undefined;
  const [alerts = '', instance = '', post = ''] = target.split('.');
  return { alerts, instance, post: longId(post) };
}

/** 96 bits of a hash in 16 characters. Claims of before have all of it. */
const shortHash = (hash: string): string =>
  HASH.test(hash) ? Buffer.from(hash, 'hex').subarray(0, 12).toString('base64url') : hash;

/** A UUID in 22 characters, and back. */
const shortId = (id: string): string =>
  UUID.test(id) ? Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url') : id;

function longId(id: string): string {
  if (!SHORT_ID.test(id)) return id;
  const hex = Buffer.from(id, 'base64url').toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** false: the name is taken. */
async function created(path: string, target: string): Promise<boolean> {
  try {
    await symlink(target, path);
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    (error: unknown) => {
      if (isErrno(error, 'ENOENT')) return false;
      throw error;
    },
  );
