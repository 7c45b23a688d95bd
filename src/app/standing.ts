/** What the processes that stay say of themselves, once all of it runs. */
import type { InboxSettings } from '../config/settings.ts';
import type { Endpoint } from '../domain/endpoint.ts';

/** What `wds up` runs, once all of it does. */
export interface UpState {
  readonly inboxes: readonly InboxSettings[];
  readonly reportsRoot: string;
  readonly temporalAddress: string;
  /** undefined: not wds's own. */
  readonly webUi: string | undefined;
  /** Where the HTTP API listens: `http://127.0.0.1:8480`. */
  readonly api: string;
  /** Those that are sent to from here. */
  readonly endpoints: readonly Pick<Endpoint, 'name' | 'url'>[];
  /** Alerts a second that the bundled receiver takes; undefined: the endpoint is another one. */
  readonly bundledRate: number | undefined;
}

/** `wds api`, once it listens. */
export interface ApiState {
  readonly address: string;
  readonly inboxes: readonly InboxSettings[];
  readonly endpoints: readonly Pick<Endpoint, 'name' | 'url'>[];
  /** The workers run in this process, too: those of the embedded server. */
  readonly works: boolean;
}
