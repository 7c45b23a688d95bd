/**
 * Alerts that are posted one by one, or a few at a time (`POST /webhook`). A post that was taken is on the disk, and will be in a file of
 * the inbox, whatever becomes of this process. Each post is an alert of its own; only with an equal idempotency key, within seven days,
 * it is the same one.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { ParseOptions } from '../domain/parse-options.ts';
import type { Entrance } from '../intake/entrance.ts';
import { STATE_FOLDER } from '../intake/inbox-names.ts';
import type { Say } from '../intake/log.ts';
import type { SidecarKind } from '../intake/sidecars.ts';
import { reasonOf } from '../thrown.ts';
import type { Alert } from './gathered-row.ts';
import { keyHash, PostKeys } from './post-keys.ts';
import { settleDead } from './settle-dead.ts';
import { NotTaken, Spool } from './spool.ts';

const LOOK_EVERY_MS = 2_000;

export interface PostsOptions {
  readonly entrance: Entrance;
  /** By which the files of the inbox are read. */
  readonly parse: Omit<ParseOptions, 'format'>;
  readonly gatherMs: number;
  readonly sidecar: SidecarKind;
  readonly say: Say;
}

export type PostAnswer =
  | { readonly kind: 'taken'; readonly id: string; readonly files: readonly string[]; readonly again: boolean }
  /** The key was used for other alerts. */
  | { readonly kind: 'other_alerts' }
  /** Another process is at work on the key. */
  | { readonly kind: 'in_use' };

export class Posts {
  readonly #options: PostsOptions;
  readonly #spool: Spool;
  readonly #keys: PostKeys;
  /** By key, what this process is at work on. */
  readonly #underWay = new Map<string, { readonly alerts: string; readonly answer: Promise<PostAnswer> }>();
  #looking: NodeJS.Timeout | undefined;
  #failing = false;
  #settling = false;

  constructor(options: PostsOptions) {
    const { entrance, parse, gatherMs, sidecar, say } = options;
    this.#options = options;
    this.#keys = new PostKeys({
      folder: join(entrance.inbox, STATE_FOLDER, 'keys'),
      instance: () => entrance.instance,
      isOver: (instance) => entrance.isOver(instance),
    });
    this.#spool = new Spool({
      entrance,
      names: parse,
      gatherMs,
      sidecar,
      nowMs: () => performance.now(),
      handedOver: ({ name, alerts }) => {
        this.#failing = false;
        say('info', `${alerts} posted alerts are in a file`, { event: 'posts_gathered', file: name });
      },
      failed: (reason) => {
        if (!this.#failing) say('error', 'posted alerts cannot be written', { event: 'posts_fault', reason });
        this.#failing = true;
      },
    });
  }

  /** Settles what processes that are gone have left, now and from now on. */
  async begin(): Promise<void> {
    await this.#settle();
    this.#looking = setInterval(() => void this.#settle(), LOOK_EVERY_MS).unref();
    this.#keys.beginSweeping();
  }

  get failing(): boolean {
    return this.#failing;
  }

  /** Throws NotTaken, and what the file system throws. */
  async take(alerts: readonly Alert[], key: string | undefined): Promise<PostAnswer> {
    const id = randomUUID();
    if (key === undefined) return this.#spooled({ id, alerts, key: undefined, onDisk: async () => undefined });
    const hash = keyHash(key);
    const what = keyHash(JSON.stringify(alerts.map(whatIsSaid)));
    const before = this.#underWay.get(hash);
    if (before !== undefined) {
      if (before.alerts !== what) return { kind: 'other_alerts' };
      const answer = await before.answer;
      return answer.kind === 'taken' ? { ...answer, again: true } : answer;
    }
    const answer = this.#takeWithKey(id, alerts, hash, what);
    this.#underWay.set(hash, { alerts: what, answer });
    return answer.finally(() => this.#underWay.delete(hash));
  }

  async #takeWithKey(id: string, alerts: readonly Alert[], hash: string, what: string): Promise<PostAnswer> {
    const answer = await this.#keys.claim(hash, what, id);
    if (answer.kind === 'known') return { kind: 'taken', id: answer.post, files: [], again: true };
    if (answer.kind !== 'claimed') return answer;
    const { claim } = answer;
    try {
      return await this.#spooled({ id, alerts, key: claim.name, onDisk: () => this.#keys.mark(claim.name, id) });
    } catch (error) {
      if (error instanceof NotTaken && error.nothingLeft) await this.#keys.release(claim);
      throw error;
    }
  }

  async #spooled(post: Parameters<Spool['append']>[0]): Promise<PostAnswer> {
    return { kind: 'taken', id: post.id, files: await this.#spool.append(post), again: false };
  }

  async #settle(): Promise<void> {
    if (this.#settling) return;
    this.#settling = true;
    const { entrance, sidecar, say } = this.#options;
    try {
      for (const folder of await entrance.takeOver(performance.now())) {
        for (const { name, alerts } of await settleDead(folder, entrance, this.#keys, sidecar)) {
          const message = `${alerts} posted alerts of a process that is gone are in a file`;
          say('info', message, { event: 'posts_gathered', file: name });
        }
      }
    } catch (error) {
      say('error', 'what an API process has left cannot be settled', {
        event: 'posts_fault',
        reason: reasonOf(error),
      });
    } finally {
      this.#settling = false;
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#looking);
    this.#keys.close();
    await this.#spool.close();
  }
}

const whatIsSaid = ({ userId, alertMessage, columns }: Alert) =>
  columns === undefined ? [userId, alertMessage] : [userId, alertMessage, columns];
