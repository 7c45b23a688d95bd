/** How the receiver answers: its mood in a small file, so that it keeps it over a restart, and one decision for each request. Pure but for the file. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { AmbiguousPolicy } from '../src/domain/endpoint.ts';
import { MENDED_MARK, REFUSED_PREFIX, STUBBORN_PREFIX } from './inputs.ts';
import type { Mood } from './plan.ts';

export interface ReceiverState {
  readonly mood: Mood;
  /** Of the requests, that the mood applies to. */
  readonly share: number;
  readonly latencyMs: number;
  readonly limitPerSecond: number | undefined;
  /** Whether stubborn users fail. */
  readonly stubborn: boolean;
  readonly policy: AmbiguousPolicy;
  /** The client's request timeout, for answers that come about then. */
  readonly timeoutMs: number;
}

export interface Answer {
  /** Whether the alert is acted on. */
  readonly accepted: boolean;
  readonly afterMs: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A status; or what goes wrong instead of an answer. */
  readonly says: number | 'nothing' | 'rubbish' | 'reset' | 'half';
}

export function writeState(path: string, state: ReceiverState): void {
  writeFileSync(`${path}.tmp`, JSON.stringify(state));
  renameSync(`${path}.tmp`, path);
}

export const readState = (path: string): ReceiverState => JSON.parse(readFileSync(path, 'utf8')) as ReceiverState;

/** `random` gives numbers in [0, 1). */
export function decide(state: ReceiverState, user: string, message: string, random: () => number): Answer {
  const afterMs = state.latencyMs * (0.5 + random());
  if (state.mood !== 'well' && random() < state.share) return inMood(state, afterMs, random);
  if (user.startsWith(REFUSED_PREFIX) && !message.includes(MENDED_MARK)) return { accepted: false, afterMs, says: 422 };
  if (user.startsWith(STUBBORN_PREFIX) && state.stubborn) return { accepted: false, afterMs, says: 503 };
  return { accepted: true, afterMs, says: 200 };
}

function inMood({ mood, policy, timeoutMs }: ReceiverState, afterMs: number, random: () => number): Answer {
  const refuses = (says: number, headers = {}): Answer => ({ accepted: false, afterMs, says, headers });
  const acts = (says: Answer['says']): Answer => ({ accepted: true, afterMs, says });
  switch (mood) {
    case 'failing':
      return refuses(500);
    case 'throttling':
      return refuses(429, { 'retry-after': random() < 0.3 ? '0' : '1' });
    case 'throttling-unnamed':
      return refuses(429);
    case 'refusing':
      return refuses(401);
    case 'slow':
      return { accepted: true, afterMs: timeoutMs * (0.3 + random()), says: 200 };
    case 'hanging':
      return acts('nothing');
    case 'unparsable':
      return acts('rubbish');
    case 'resetting':
      return acts('reset');
    case 'half-answer':
      return acts('half');
    case 'turning-away':
      return { accepted: false, afterMs, says: 'reset' };
    case 'gateway':
      // By convention 504 is a passing failure under `resend`; only under `hold` it is taken for an unknown outcome.
      return { accepted: policy === 'hold' && random() < 0.5, afterMs, says: 504 };
    case 'well':
      return { accepted: true, afterMs, says: 200 };
  }
}
