/** What an answer does to the brake of the worker that got it. Pure. */
import type { Sign } from '../domain/answers.ts';
import type { CircuitName } from '../domain/governor/contract.ts';
import type { LocalBrake, Refusal } from '../domain/governor/local-brake.ts';
import { answered, exhausted, throttled } from '../domain/governor/local-brake.ts';
import type { RateHint } from '../domain/rate-hints.ts';

export interface BrakingAnswer {
  readonly sign: Sign;
  /** The pause that a refusal named. */
  readonly askedMs: number | undefined;
  /** What its headers said; undefined: nothing about rates. */
  readonly hint: RateHint | undefined;
  readonly refusal: Omit<Refusal, 'retryAfterMs'>;
  /** As the governor last told. */
  readonly circuit: CircuitName;
}

export function brakeAfter(before: LocalBrake, { sign, askedMs, hint, refusal, circuit }: BrakingAnswer): LocalBrake {
  const { nowMs } = refusal;
  switch (sign.kind) {
    case 'throttled':
      return throttled(before, { ...refusal, retryAfterMs: askedMs ?? hint?.resetMs ?? null });
    case 'success': {
      const nothingLeft = hint?.remaining === 0 && hint.ceilingPerSecond === undefined ? hint.resetMs : undefined;
      const brake = nothingLeft === undefined ? before : exhausted(before, { ...refusal, resetMs: nothingLeft });
      return answered(brake, sign, nowMs, circuit !== 'open');
    }
    default:
      return answered(before, sign, nowMs, circuit === 'closed');
  }
}
