/**
 * What a receiver's answers say of its limit, in the spellings that are met in the wild: the drafts of draft-ietf-httpapi-ratelimit-headers, the
 * unwritten custom of `X-RateLimit-*`, and a count of what was used. Pure.
 */
import type { ReceiverModel, ReceiverModelSpec } from './models/model.ts';

export const LIMIT_HEADERS = [
  'none',
  'draft',
  'draft-new',
  'draft-7',
  'draft-6',
  'legacy',
  'legacy-epoch',
  'reset-after',
  'used',
] as const;
export type RateLimitHeaders = (typeof LIMIT_HEADERS)[number];

const NO_HEADERS: readonly string[] = [];

/** Name, value, name, value … Empty where there is no limit to speak of. */
export function limitHeaders(
  style: RateLimitHeaders,
  model: ReceiverModel,
  spec: ReceiverModelSpec,
  nowMs: number,
): readonly string[] {
  if (style === 'none') return NO_HEADERS;
  const rate = model.ratePerSecond(nowMs);
  if (!Number.isFinite(rate)) return NO_HEADERS;
  const { quota, windowSeconds } = policyOf(rate, spec.windowMs);
  const left = Math.min(quota, model.remaining(nowMs));
  const resetMs = model.resetMs(nowMs);
  const seconds = Math.ceil(resetMs / 1_000);
  const policy = `"default";q=${quota};w=${windowSeconds}`;
  switch (style) {
    case 'draft':
      return ['RateLimit-Policy', policy, 'RateLimit', `"default";r=${model.remaining(nowMs)};t=${seconds}`];
    case 'draft-new':
      return [
        'RateLimit-Policy',
        policy,
        'RateLimit',
        `"default";a=${left};w=${seconds}`,
        'RateLimit-Partition',
        'default',
      ];
    case 'draft-7':
      return [
        'RateLimit-Policy',
        `${quota};w=${windowSeconds}`,
        'RateLimit',
        `limit=${quota}, remaining=${left}, reset=${seconds}`,
      ];
    case 'draft-6':
      return ['RateLimit-Limit', `${quota}`, 'RateLimit-Remaining', `${left}`, 'RateLimit-Reset', `${seconds}`];
    case 'used':
      return ['X-Api-Call-Limit', `${quota - left}/${quota}`];
    case 'reset-after': {
      const values = [`${quota}`, 'X-RateLimit-Remaining', `${left}`];
      const at = ((nowMs + resetMs) / 1_000).toFixed(3);
      const after = (resetMs / 1_000).toFixed(3);
      return ['X-RateLimit-Limit', ...values, 'X-RateLimit-Reset', at, 'X-RateLimit-Reset-After', after];
    }
    default: {
      const reset = Math.ceil((style === 'legacy-epoch' ? nowMs + resetMs : resetMs) / 1_000);
      const remaining = `${model.remaining(nowMs)}`;
      return ['X-RateLimit-Limit', `${quota}`, 'X-RateLimit-Remaining', remaining, 'X-RateLimit-Reset', `${reset}`];
    }
  }
}

/** The rate as whole requests in whole seconds, which is all that the headers can say: of a bucket, not its depth but its rate. */
function policyOf(rate: number, windowMs: number): { readonly quota: number; readonly windowSeconds: number } {
  const slowest = rate > 0 ? Math.ceil(1 / rate - 1e-6) : 1;
  const windowSeconds = Math.max(1, Math.ceil(windowMs / 1_000), slowest);
  return { quota: Math.floor(rate * windowSeconds + 1e-6), windowSeconds };
}
