/** What an answer does to the brake of the worker that got it. Pure. */
import type { Sign } from '../domain/answers.ts';
import type { CircuitName } from '../domain/governor/contract.ts';
import type { LocalBrake, Refusal } from '../domain/governor/local-brake.ts';
import { answered, exhausted, stated, throttled } from '../domain/governor/local-brake.ts';
import type { RateHint } from '../domain/rate-hints.ts';

export interface BrakingAnswer {
  readonly sign: Sign;
  /** The pause that a refusal named. */
  readonly askedMs: number | undefined;
  /** What its headers said; undefined: nothing about rates. */
  readonly hint: RateHint | undefined;
  /** What they come to a second; undefined: nothing. */
  readonly ceiling: number | undefined;
  readonly refusal: Omit<Refusal, 'retryAfterMs'>;
  /** As the governor last told. */
  readonly circuit: CircuitName;
}

export function brakeAfter(before: LocalBrake, answer: BrakingAnswer): LocalBrake {
  const { sign, askedMs, hint, ceiling, refusal, circuit } = answer;
  const { nowMs } = refusal;
  switch (sign.kind) {
    case 'throttled':
      return throttled(before, { ...refusal, retryAfterMs: askedMs ?? hint?.resetMs ?? null });
    case 'success': {
      const nothingLeft = hint?.remaining === 0 && hint.ceilingPerSecond === undefined;
      const brake = nothingLeft ? exhausted(before, hint.resetMs, nowMs) : before;
      const capped = ceiling === undefined ? brake : stated(brake, ceiling, refusal.pacePerSecond, nowMs);
      return answered(capped, sign, nowMs, circuit !== 'open');
    }
    default:
      return answered(before, sign, nowMs, circuit === 'closed');
  }
}
