import { expect, test } from 'vitest';
import { Fault } from '../../../src/domain/failure.ts';
import type { InboxClaimParts } from '../../../src/intake/bucket/inbox-claim.ts';
import { CLAIM_KEY, DEAD_AFTER_MS, InboxClaim } from '../../../src/intake/bucket/inbox-claim.ts';
import { newIdentity } from '../../../src/intake/instance.ts';
import type { Terms } from '../../../src/intake/terms.ts';
import { MemoryBucket } from '../../support/memory-bucket.ts';

const LOOK_MS = DEAD_AFTER_MS / 3;
const terms = (endpoint: string): Terms => ({ endpoint, url: 'http://x/', urlHash: 'a', parse: {} });

class Hall {
  readonly bucket = new MemoryBucket();
  nowMs = 0;

  /** Of a watcher on another host, unless stated. */
  claim(name: string, change: Partial<InboxClaimParts> = {}): InboxClaim {
    const identity = { instance: name, host: `host ${name}`, pid: 7 };
    return new InboxClaim({ bucket: this.bucket, identity, terms: undefined, nowMs: () => this.nowMs, ...change });
  }

  /** Time goes on, look by look. */
  async pass(ms: number, ...claims: InboxClaim[]): Promise<unknown[]> {
    let looks: unknown[] = [];
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      this.nowMs += LOOK_MS;
      looks = [];
      for (const claim of claims) looks.push(await claim.look());
    }
    return looks;
  }
}

test('one watcher has it, for as long as it renews it, and the next one begins at once when it is released', async () => {
  const hall = new Hall();
  const [a, b] = [hall.claim('a'), hall.claim('b')];
  expect([await a.look(), await b.look()]).toEqual(['held', 'standby']);
  expect(b.holder).toBe('process 7 on host host a');
  expect(await hall.pass(10 * DEAD_AFTER_MS, a, b)).toEqual(['held', 'standby']);
  await a.release();
  expect(await b.look()).toBe('held');
});

test('one that is silent loses it, and finds that out before it does anything', async () => {
  const hall = new Hall();
  const [a, b, c] = [hall.claim('a'), hall.claim('b'), hall.claim('c')];
  await a.look();
  await b.look();
  expect(await hall.pass(DEAD_AFTER_MS - LOOK_MS, b, c)).toEqual(['standby', 'standby']);
  expect(await hall.pass(LOOK_MS, b, c)).toEqual(['held', 'standby']);
  expect(await a.holds()).toBe(false);
  expect(await a.look()).toBe('standby');
  expect(await b.holds()).toBe(true);
});

test('of two that take over at the same moment one gets it', async () => {
  const hall = new Hall();
  const heirs = ['b', 'c', 'd'].map((name) => hall.claim(name));
  await hall.claim('a').look();
  for (const heir of heirs) await heir.look();
  hall.nowMs = LOOK_MS;
  for (let looks = 0; looks < 3; looks++) {
    for (const heir of heirs) if (looks < 2) await heir.look();
    hall.nowMs += LOOK_MS;
  }
  const looks = await Promise.all(heirs.map((heir) => heir.look()));
  expect(looks.toSorted()).toEqual(['held', 'standby', 'standby']);
});

test('what an observer did not look at, it does not take for silence', async () => {
  const hall = new Hall();
  const [a, b] = [hall.claim('a'), hall.claim('b')];
  await a.look();
  await b.look();
  // The observer, and all of its host, was stopped for an hour.
  hall.nowMs += 3_600_000;
  expect(await b.look()).toBe('standby');
  expect(await a.look()).toBe('held');
});

test('that of a process of this host which is gone is taken at once', async () => {
  const hall = new Hall();
  const self = newIdentity();
  const gone = { ...self, instance: 'gone', pid: 4_194_000 };
  await hall.claim('gone', { identity: gone }).look();
  const [look] = [await hall.claim('b', { identity: self }).look()];
  expect(look).toBe(self.kernel === undefined ? 'standby' : 'held');
});

test('whoever comes with other terms is refused by one that lives, and waits for one that may come back', async () => {
  const hall = new Hall();
  const a = hall.claim('a', { terms: terms('crm') });
  const b = hall.claim('b', { terms: terms('erp') });
  await a.look();
  expect(await b.look()).toBe('undecided');
  const [, refusal] = await hall.pass(LOOK_MS, a, b);
  expect(refusal).toBeInstanceOf(Fault);
  expect((refusal as Fault).message).toBe('process 7 on host host a watches s3://memory with endpoint crm, not erp');

  const c = hall.claim('c', { terms: terms('erp') });
  expect(await c.look()).toBe('undecided');
  expect(await hall.pass(DEAD_AFTER_MS - LOOK_MS, c)).toEqual(['undecided']);
  expect(await hall.pass(LOOK_MS, c)).toEqual(['held']);
  expect(await a.look()).toBe('undecided');
  const [, last] = await hall.pass(LOOK_MS, c, a);
  expect((last as Fault).message).toContain('endpoint erp, not crm');
});

test('a write whose answer was lost is known again, one that was not done is done again', async () => {
  for (const fault of ['after', 'before'] as const) {
    const hall = new Hall();
    const [a, b] = [hall.claim('a'), hall.claim('b')];
    const fail = (): void => {
      let left = 1;
      hall.bucket.fault = (kind) => (kind === 'put' && left-- > 0 ? fault : undefined);
    };
    fail();
    await expect(a.look()).rejects.toThrow();
    expect(await a.look()).toBe('held');
    hall.nowMs += LOOK_MS;
    fail();
    await expect(a.look()).rejects.toThrow();
    expect([await a.holds(), await b.look(), await a.look()]).toEqual([true, 'standby', 'held']);
  }
});

test('what wds has not written there is said, and not overwritten', async () => {
  const hall = new Hall();
  await hall.bucket.put(CLAIM_KEY, '[]');
  await expect(hall.claim('a').look()).rejects.toThrow('s3://memory/.wds/watcher is not what wds has written there');
});
