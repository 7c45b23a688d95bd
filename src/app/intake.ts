/**
 * The ways into an inbox over the network: uploads, and alerts that are posted. Both go through a folder of this process in the inbox or, where that
 * is in a bucket, in the folder of this home that is watched beside it.
 */
import { columnsFor } from '../config/settings.ts';
import { Entrance } from '../intake/entrance.ts';
import { speaker } from '../intake/log.ts';
import { Uploads } from '../intake/uploads.ts';
import { Posts } from '../posts/posts.ts';
import type { AppContext } from './app.ts';
import type { Route } from './routes.ts';
import type { ServedInbox } from './served.ts';

export class Intake implements ServedInbox {
  readonly endpoints: readonly string[];
  readonly uploads: Uploads;
  readonly posts: Posts;
  readonly parse: ServedInbox['parse'];
  readonly #entrance: Entrance;

  private constructor(
    endpoints: readonly string[],
    parse: ServedInbox['parse'],
    entrance: Entrance,
    uploads: Uploads,
    posts: Posts,
  ) {
    this.endpoints = endpoints;
    this.parse = parse;
    this.uploads = uploads;
    this.posts = posts;
    this.#entrance = entrance;
  }

  /** Resolves when what other processes have left of posts is settled. */
  static async open({ settings, logger }: AppContext, { folder, endpoints: to }: Route): Promise<Intake> {
    const { sidecar, api } = settings;
    const parse = { ...settings.parse, ...columnsFor(to) };
    const endpoints = to.map(({ name }) => name);
    const entrance = new Entrance(folder);
    await entrance.enter();
    const say = speaker(logger, endpoints.join(', '));
    const posts = new Posts({ entrance, parse, gatherMs: api.gatherMs, sidecar, say });
    const uploads = new Uploads(entrance, { sidecar, maxBytes: api.maxUploadBytes });
    const intake = new Intake(endpoints, parse, entrance, uploads, posts);
    try {
      await posts.begin();
    } catch (error) {
      await intake.close();
      throw error;
    }
    return intake;
  }

  /** Everything that it took is in the inbox then. */
  async close(): Promise<void> {
    await this.posts.close();
    await this.#entrance.close();
  }
}
