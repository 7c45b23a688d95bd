/**
 * The receiver, and the truth: what it was sent and what it acted on. It deduplicates nothing. Its moods follow one another by plan; some of its
 * users always get the same answer.
 */
import type { Answer } from '../../src/domain/answers.ts';
import type { Chance } from '../chance.ts';

/**
 * `well` · `flaky`: any answer · `down`: refuses connections · `hanging`: takes everything and never answers · `slow`: answers about as late
 * as wds waits · `failing`: 5xx · `throttling`: 429 · `refusing`: 401 · `garbled`: acts, and answers what no parser reads · `resetting`:
 * cuts connections · `shaking`: TLS handshakes of seconds.
 */
export const MOODS = [
  'well',
  'flaky',
  'down',
  'hanging',
  'slow',
  'failing',
  'throttling',
  'refusing',
  'garbled',
  'resetting',
  'shaking',
] as const;
export type Mood = (typeof MOODS)[number];

export interface MoodChange {
  readonly atMs: number;
  readonly mood: Mood;
}

/** What some users always get; `moody`: refused until the receiver is well for good; `limited`: 429 at first. */
export type UserKind = 'plain' | 'rejected' | 'failing' | 'silent' | 'late' | 'moody' | 'limited';

export interface Received {
  readonly atMs: number;
  /** `webhook-id`. */
  readonly id: string;
  readonly userId: string;
  readonly acted: boolean;
  readonly told: string;
}

export interface Handling {
  readonly acts: boolean;
  /** undefined: nothing ever comes back. `cut`: the connection is closed. */
  readonly answer: Answer | 'cut' | undefined;
  readonly afterMs: number;
}

const status = (code: number, retryAfter?: string): Answer => ({
  kind: 'response',
  status: code,
  ...(retryAfter === undefined ? {} : { retryAfter }),
});
const GARBLED: Answer = { kind: 'ambiguous', reason: 'the answer cannot be read' };

export class Receiver {
  readonly log: Received[] = [];
  readonly #moods: readonly MoodChange[];
  readonly #kinds: ReadonlyMap<string, UserKind>;
  readonly #chance: Chance;
  readonly #timeoutMs: number;
  readonly #quietAtMs: number;
  readonly #passesOn: boolean;

  /**
   * From `quietAtMs` on it is well, but for the users that are not plain. `passesOn`: 408, 502 and 504 come from a proxy that may have passed
   * the request on.
   */
  constructor(options: {
    readonly moods: readonly MoodChange[];
    readonly kinds: ReadonlyMap<string, UserKind>;
    readonly chance: Chance;
    readonly timeoutMs: number;
    readonly quietAtMs: number;
    readonly passesOn: boolean;
  }) {
    this.#moods = options.moods;
    this.#kinds = options.kinds;
    this.#chance = options.chance;
    this.#timeoutMs = options.timeoutMs;
    this.#quietAtMs = options.quietAtMs;
    this.#passesOn = options.passesOn;
  }

  moodAt(atMs: number): Mood {
    if (atMs >= this.#quietAtMs) return 'well';
    let mood: Mood = 'well';
    for (const change of this.#moods) if (change.atMs <= atMs) mood = change.mood;
    return mood;
  }

  /** How long a new connection takes; undefined: it is refused. */
  connectMs(atMs: number): number | undefined {
    const mood = this.moodAt(atMs);
    if (mood === 'down') return undefined;
    if (mood === 'flaky' && this.#chance.happens(0.05)) return undefined;
    return mood === 'shaking' ? this.#chance.between(500, 4_500) : this.#chance.between(0, 5);
  }

  receive(atMs: number, id: string, body: string): Handling {
    const { userId } = JSON.parse(body) as { userId: string };
    const handling = this.#handle(atMs, userId);
    const { acts, answer } = handling;
    const told =
      typeof answer === 'object' ? (answer.kind === 'response' ? String(answer.status) : answer.kind) : 'no answer';
    this.log.push({ atMs, id, userId, acted: acts, told });
    return handling;
  }

  #handle(atMs: number, userId: string): Handling {
    const afterMs = this.#chance.between(0, 20);
    const ok: Handling = { acts: true, answer: status(200), afterMs };
    const silent: Handling = { acts: this.#chance.happens(0.7), answer: undefined, afterMs };
    const late = (): Handling => ({ ...ok, afterMs: this.#timeoutMs * this.#chance.between(0.7, 1.4) });
    switch (this.#kinds.get(userId)) {
      case 'rejected':
        return { acts: false, answer: status(422), afterMs };
      case 'failing':
        return { acts: false, answer: status(500), afterMs };
      case 'silent':
        return { ...silent, acts: true };
      case 'late':
        return late();
      case 'moody':
        if (atMs < this.#quietAtMs && this.#chance.happens(0.7)) return { acts: false, answer: status(422), afterMs };
        break;
      case 'limited':
        if (this.log.some((request) => request.userId === userId)) break;
        return { acts: false, answer: status(429, this.#chance.pick([undefined, '1'])), afterMs };
      default:
    }
    switch (this.moodAt(atMs)) {
      case 'hanging':
        return silent;
      case 'slow':
        return late();
      case 'failing':
        return { acts: false, answer: status(this.#chance.pick([500, 503])), afterMs };
      case 'throttling':
        return { acts: false, answer: status(429, this.#chance.pick([undefined, '0', '1', '5', '2000000'])), afterMs };
      case 'refusing':
        return { acts: false, answer: status(401), afterMs };
      case 'garbled':
        return { acts: true, answer: GARBLED, afterMs };
      case 'resetting':
        return { acts: this.#chance.happens(0.5), answer: 'cut', afterMs };
      case 'flaky':
        return this.#chance.weighted<Handling>([
          [10, ok],
          [2, silent],
          [2, late()],
          [2, { acts: this.#chance.happens(0.5), answer: 'cut', afterMs }],
          [1, { acts: true, answer: GARBLED, afterMs }],
          [2, { acts: false, answer: status(this.#chance.pick([500, 503])), afterMs }],
          [
            1,
            {
              acts: this.#passesOn && this.#chance.happens(0.5),
              answer: status(this.#chance.pick([502, 504, 408])),
              afterMs,
            },
          ],
          [2, { acts: false, answer: status(429, this.#chance.pick([undefined, '1'])), afterMs }],
          [1, { acts: false, answer: status(this.#chance.pick([400, 409, 422])), afterMs }],
        ]);
      default:
        return ok;
    }
  }
}
