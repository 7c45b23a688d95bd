/** What `wds up` is asked for, and what it tells: its state once all of it runs, and the files that are under way. */
import type { Endpoint } from '../domain/endpoint.ts';
import type { FileEnd, ProgressUpdate } from './app.ts';

/** What `wds up` runs, once all of it does. */
export interface UpState {
  readonly inbox: string;
  readonly reportsRoot: string;
  readonly temporalAddress: string;
  /** undefined: not wds's own. */
  readonly webUi: string | undefined;
  readonly endpoint: Pick<Endpoint, 'name' | 'url'>;
  /** Alerts a second that the bundled receiver takes; undefined: the endpoint is another one. */
  readonly bundledRate: number | undefined;
}

export interface UnderWayObserver {
  progress(update: ProgressUpdate): void;
  /** It has ended, or is no longer among those that are looked at. */
  left(file: string): void;
}

export interface UpOptions {
  /** Deliver the bundled example where nothing is configured yet. */
  readonly example: boolean;
  readonly observer: {
    exampleBegins(): void;
    exampleEnded(end: FileEnd): void;
    ready(state: UpState): void;
    /** Files that are under way, about once a second. Absent: nobody looks. */
    readonly files?: UnderWayObserver;
  };
}
