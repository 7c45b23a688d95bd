// @slow: watchers, with their leases
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defaultEndpoint } from '../../src/config/settings.ts';
import { DEFAULT_PARSE_OPTIONS } from '../../src/domain/parse-options.ts';
import type { OtherWatcher, Terms } from '../../src/intake/terms.ts';
import { differences, judgeTerms, termsOf } from '../../src/intake/terms.ts';

const endpoint = defaultEndpoint('https://example.com/hook?token=secret', { name: 'crm', rate: 10 });
const own = termsOf([endpoint], DEFAULT_PARSE_OPTIONS);
const LEASE_MS = 10_000;

describe('the terms of a watcher', () => {
  test('are the same for another rate, secret, timeout and size of chunks: a deploy may change these', () => {
    const changed = { ...endpoint, rate: 5, secrets: ['whsec_x'], timeoutMs: 1, headers: { a: 'b' } };
    expect(differences(own, termsOf([changed], { ...DEFAULT_PARSE_OPTIONS, chunkSize: 7 }))).toEqual([]);
  });

  test('differ in endpoint, URL and what decides how a file is read, and say how', () => {
    expect(differences(own, termsOf([{ ...endpoint, name: 'erp' }], DEFAULT_PARSE_OPTIONS))).toEqual([
      'endpoint erp, not crm',
    ]);
    const elsewhere = termsOf([{ ...endpoint, url: 'https://example.org/' }], DEFAULT_PARSE_OPTIONS);
    expect(differences(own, elsewhere)).toEqual(['URL https://example.org/, not https://example.com/hook?…']);
    expect(differences(own, termsOf([endpoint], { ...DEFAULT_PARSE_OPTIONS, header: false }))).toEqual([
      'parse.header false, not true',
    ]);
  });

  test('show nothing of what may be secret in a URL, and tell it apart all the same', () => {
    expect(JSON.stringify(own)).not.toContain('secret');
    const other = termsOf([{ ...endpoint, url: 'https://example.com/hook?token=other' }], DEFAULT_PARSE_OPTIONS);
    expect(differences(own, other)).toEqual(['another query in the URL']);
  });

  test('of a version that has fewer options agree in those that both know', () => {
    const { header: _, ...older } = own.parse;
    expect(differences(own, { ...own, parse: older })).toEqual([]);
    expect(differences({ ...own, parse: older }, own)).toEqual([]);
  });
});

describe('a watcher that has announced itself', () => {
  const self = { instance: '5-b', terms: own };
  const other = (changes: Partial<OtherWatcher>): OtherWatcher => ({
    ...{ instance: '7-c', who: 'process 7 on host a', life: 'alive', agreed: true, silentMs: 0 },
    terms: { ...own, endpoint: 'erp' },
    ...changes,
  });
  const verdict = (...changes: Partial<OtherWatcher>[]) => judgeTerms(self, changes.map(other), LEASE_MS).kind;

  test('goes on beside those that agree, and those of a version that shows no terms', () => {
    expect(verdict({ terms: own }, { terms: undefined })).toBe('agreed');
  });

  test('is refused while one of them lives that does not', () => {
    expect(verdict({ terms: own }, {})).toBe('refused');
    expect(judgeTerms(self, [other({})], LEASE_MS)).toMatchObject({ differences: ['endpoint erp, not crm'] });
  });

  test('waits out the lease of one that was killed, and no longer', () => {
    expect(verdict({ life: 'gone', silentMs: LEASE_MS - 1 })).toBe('wait');
    expect(verdict({ life: 'gone', silentMs: LEASE_MS })).toBe('agreed');
  });

  test('waits while it is not known whether the other one lives', () => {
    expect(verdict({ life: 'unknown' })).toBe('wait');
  });

  test('of two that announced at the same moment lets the smaller instance through, once the other is gone', () => {
    expect(verdict({ instance: '3-a', agreed: false })).toBe('refused');
    expect(verdict({ instance: '7-c', agreed: false })).toBe('wait');
    expect(verdict({ instance: '7-c', agreed: false, life: 'gone' })).toBe('agreed');
  });
});

describe('a watcher that comes back to what was agreed', () => {
  const erp = { ...own, endpoint: 'erp' };
  const lease: OtherWatcher = {
    ...{ instance: '1-a', who: 'process 1', life: 'gone', agreed: true, silentMs: 1_000 },
    terms: erp,
  };
  const waiting: OtherWatcher = { ...lease, instance: '3-a', life: 'alive', agreed: false, terms: own };

  test('goes before one that waits for the lease, whichever announced itself first', () => {
    for (const instance of ['2-x', '4-x']) {
      expect(judgeTerms({ instance, terms: erp }, [lease, waiting], LEASE_MS).kind).toBe('wait');
      const back = { ...waiting, instance, terms: erp };
      expect(judgeTerms({ instance: '3-a', terms: own }, [lease, back], LEASE_MS).kind).toBe('refused');
    }
  });
});

describe('watchers that come in any order, each step at any time', () => {
  /** A watcher's steps: announce, look (as often as it has to wait), agree. */
  interface Actor {
    readonly instance: string;
    readonly terms: Terms;
    state: 'out' | 'announced' | 'let in' | 'agreed' | 'refused';
  }

  const seen = (actor: Actor): OtherWatcher => ({
    ...{ instance: actor.instance, who: actor.instance, life: 'alive', silentMs: 0 },
    terms: actor.terms,
    agreed: actor.state === 'agreed',
  });

  /** Of one that was killed; each watcher has its own view of whether it is over. */
  const leaseOf = (name: string, over: boolean): OtherWatcher => ({
    ...{ instance: '0-k', who: 'killed', life: 'gone', agreed: true, silentMs: over ? LEASE_MS : 0 },
    terms: { ...own, endpoint: name },
  });

  function step(actor: Actor, all: readonly Actor[], lease: readonly OtherWatcher[]): void {
    if (actor.state === 'out') actor.state = 'announced';
    // What it saw and what it writes are two steps: others come in between.
    else if (actor.state === 'let in') actor.state = 'agreed';
    else if (actor.state === 'announced') {
      const others = all.filter((one) => one !== actor && one.state !== 'out' && one.state !== 'refused');
      const { kind } = judgeTerms(actor, [...others.map(seen), ...lease], LEASE_MS);
      if (kind === 'agreed') actor.state = 'let in';
      else if (kind === 'refused') actor.state = 'refused';
    }
  }

  test('never watch with different terms, and one of them always gets in', () => {
    const endpoints = fc.array(fc.constantFrom('crm', 'erp', 'abc'), { minLength: 2, maxLength: 5 });
    fc.assert(
      fc.property(endpoints, fc.array(fc.tuple(fc.nat(), fc.boolean()), { maxLength: 40 }), (names, order) => {
        const actors = names.map((name, at): Actor => {
          return { instance: `${at}-x`, terms: { ...own, endpoint: name }, state: 'out' };
        });
        const check = (): void => {
          const inside = actors.filter(({ state }) => state === 'agreed' || state === 'let in');
          expect(new Set(inside.map(({ terms }) => terms.endpoint)).size).toBeLessThanOrEqual(1);
        };
        for (const [pick, over] of order) {
          step(actors[pick % actors.length]!, actors, [leaseOf('erp', over)]);
          check();
        }
        // Fair from here on.
        for (let round = 0; round < 10; round++) for (const actor of actors) step(actor, actors, []);
        check();
        expect(actors.filter(({ state }) => state === 'agreed').length).toBeGreaterThan(0);
        expect(actors.every(({ state }) => state === 'agreed' || state === 'refused')).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });
});
