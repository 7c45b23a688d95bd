/**
 * What the watchers of one inbox must agree on, since any of them may take a file: where its alerts go, and how it is read. Rate, secrets and
 * the like may differ, so that a deploy can roll on. Pure but for the hash.
 *
 * Each watcher shows its terms beside its claims, first as announced, then, when nobody objects, as agreed. It looks at the others only
 * after its own announcement can be seen: of two that begin at the same moment at least one sees the other.
 */
import { createHash } from 'node:crypto';
import { shownUrl } from '../config/endpoint-url.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import type { ParseOptions } from '../domain/parse-options.ts';

export interface Terms {
  readonly endpoint: string;
  /** For people: without what may be secret in it, for whoever may write into the inbox may read this. */
  readonly url: string;
  readonly urlHash: string;
  readonly parse: Readonly<Record<string, unknown>>;
}

/** Follow from the rate. */
const BY_RATE: ReadonlySet<string> = new Set(['chunkSize', 'maxChunkLength']);

/** What absence means, so that one who states it and one who does not differ. */
const UNSTATED = { separator: 'auto', encoding: 'auto', columns: [] };

/** `maxInvalid` decides whether a file is sent at all. */
export function termsOf(
  endpoints: readonly Endpoint[],
  parse: Omit<ParseOptions, 'format'> & { readonly maxInvalid?: number },
): Terms {
  // In whatever order they are configured.
  const sorted = [...endpoints].sort((a, b) => (a.name < b.name ? -1 : 1));
  const urls = sorted.map(({ url }) => url);
  return {
    endpoint: sorted.map(({ name }) => name).join(' and '),
    url: urls.map(shownUrl).join(' and '),
    urlHash: createHash('sha256').update(urls.join('\n')).digest('hex').slice(0, 16),
    parse: Object.fromEntries(Object.entries({ ...UNSTATED, ...parse }).filter(([key]) => !BY_RATE.has(key))),
  };
}

/** `endpoint crm, not erp`: what the other one has that these terms have not. Options that only one version knows do not count. */
export function differences(own: Terms, other: Terms): string[] {
  const found: string[] = [];
  if (own.endpoint !== other.endpoint) found.push(`endpoint ${other.endpoint}, not ${own.endpoint}`);
  if (own.urlHash !== other.urlHash) {
    found.push(own.url === other.url ? 'another query in the URL' : `URL ${other.url}, not ${own.url}`);
  }
  for (const [key, value] of Object.entries(own.parse)) {
    const others = other.parse[key];
    if (others === undefined || JSON.stringify(others) === JSON.stringify(value)) continue;
    found.push(`parse.${key} ${JSON.stringify(others)}, not ${JSON.stringify(value)}`);
  }
  return found;
}

/** Another watcher of the inbox, as seen now. */
export interface OtherWatcher {
  readonly instance: string;
  /** `process 42 on host a`. */
  readonly who: string;
  readonly life: 'alive' | 'gone' | 'unknown';
  /** undefined: of an earlier version, which shows none. */
  readonly terms: Terms | undefined;
  readonly agreed: boolean;
  /** How long ago it showed that it lived, as far as that can be told. */
  readonly silentMs: number;
}

export type TermsVerdict =
  | { readonly kind: 'agreed' }
  | { readonly kind: 'refused' | 'wait'; readonly by: OtherWatcher; readonly differences: readonly string[] };

/**
 * Whether a watcher that has announced its terms may go on. What others have agreed on holds while one of them lives, and for `leaseMs`
 * after that, so that one that was killed can come back: whoever waits gives way to one that comes back to it. Of several others that
 * announce at the same moment the smallest instance is let through.
 */
export function judgeTerms(
  self: { readonly instance: string; readonly terms: Terms },
  others: readonly OtherWatcher[],
  leaseMs: number,
): TermsVerdict {
  const holding = others.flatMap(({ agreed, terms, life, silentMs }) =>
    agreed && terms !== undefined && (life !== 'gone' || silentMs < leaseMs) ? [terms] : [],
  );
  const comesBack = (terms: Terms): boolean => holding.some((held) => differences(terms, held).length === 0);
  let verdict: TermsVerdict = { kind: 'agreed' };
  for (const by of others) {
    const found = by.terms === undefined ? [] : differences(self.terms, by.terms);
    if (by.terms === undefined || found.length === 0) continue;
    const first = Number(comesBack(by.terms)) - Number(comesBack(self.terms)) || (by.instance < self.instance ? 1 : -1);
    const kind = judge(by, first > 0, leaseMs);
    if (kind === 'refused') return { kind, by, differences: found };
    if (kind === 'wait') verdict = { kind, by, differences: found };
  }
  return verdict;
}

function judge(other: OtherWatcher, goesFirst: boolean, leaseMs: number): 'refused' | 'wait' | 'ignored' {
  if (other.life === 'gone') return other.agreed && other.silentMs < leaseMs ? 'wait' : 'ignored';
  if (other.life === 'unknown') return 'wait';
  // Whoever announced first may have looked already, before we could be seen: it will show whether it went on.
  return other.agreed || goesFirst ? 'refused' : 'wait';
}
