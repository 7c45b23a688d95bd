/** What is told of an endpoint, and of the release of its name. */
import type { GovernorView } from '../domain/governor/messages.ts';

export interface EndpointStatus {
  readonly name: string;
  /** null: this command is not configured for it. */
  readonly url: string | null;
  /** As configured, e.g. `100/s`, `unlimited`, `0.278/s (1000 in 1 hour)`. */
  readonly rate: string;
  /** The one that decides the rate, as it is now; null: see `note`. */
  readonly governor: GovernorView | null;
  /** Why nothing more is known. */
  readonly note: string | null;
  /** Whether a worker that sends to it asks for work. Absent: it was not looked. */
  readonly served?: boolean;
  /** Batches a second that the Temporal server lets through; null: no limit is set. It outlives wds. */
  readonly taskQueueLimit: number | null;
}

export interface EndpointRelease {
  readonly name: string;
  /** Whose it was; null: of a version in which installations had no identity. */
  readonly installation: string | null;
  /** It was this one's. */
  readonly own: boolean;
}
