/** What an answer does to the brake of the worker that got it. Pure. */
import type { Verdict } from '../domain/answers.ts';
import type { CircuitName } from '../domain/governor/contract.ts';
import type { LocalBrake, Refusal } from '../domain/governor/local-brake.ts';
import { answered, exhausted, throttled } from '../domain/governor/local-brake.ts';
import type { RateHint } from '../domain/rate-hints.ts';

export interface BrakingAnswer {
  readonly verdict: Exclude<Verdict, { readonly kind: 'withheld' }>;
  /** What its headers said; undefined: nothing about rates. */
  readonly hint: RateHint | undefined;
  readonly refusal: Omit<Refusal, 'retryAfterMs'>;
  /** As the governor last told. */
  readonly circuit: CircuitName;
}

export function brakeAfter(before: LocalBrake, { verdict, hint, refusal, circuit }: BrakingAnswer): LocalBrake {
  const { nowMs } = refusal;
  switch (verdict.kind) {
    case 'throttled':
      return throttled(before, { ...refusal, retryAfterMs: verdict.retryAfterMs ?? hint?.resetMs ?? null });
    case 'delivered': {
      const nothingLeft = hint?.remaining === 0 && hint.ceilingPerSecond === undefined ? hint.resetMs : undefined;
      const brake = nothingLeft === undefined ? before : exhausted(before, { ...refusal, resetMs: nothingLeft });
      return answered(brake, 'delivered', nowMs, circuit !== 'open');
    }
    case 'permanent': {
      const kind = verdict.endpointSuspect ? { refused: verdict.status } : 'otherwise';
      return answered(before, kind, nowMs, circuit === 'closed');
    }
    default:
      return answered(before, 'failure', nowMs, circuit === 'closed');
  }
}
