// @slow: plans hundreds of rounds
/** Plans: the same from the same seed, and over some seeds everything that can be done to wds is done. */
import { describe, expect, it } from 'vitest';
import { makeInput } from '../../chaos/inputs.ts';
import { choiceOf, readOptions, repeatLine } from '../../chaos/options.ts';
import { MENDS, MOODS, ORDERS } from '../../chaos/plan.ts';
import { planRound } from '../../chaos/schedule.ts';

const plans = Array.from({ length: 60 }, (_, seed) => planRound(choiceOf(readOptions([], 0), seed)));
const events = plans.flatMap((plan) => plan.events.map(({ event }) => event));

describe('a plan', () => {
  it('is the same from the same seed, bytes of the files included', () => {
    const again = planRound(choiceOf(readOptions([], 0), 7));
    expect(again).toEqual(plans[7]);
    expect(again.files.map(makeInput)).toEqual(plans[7]?.files.map(makeInput));
    expect(plans[8]?.events).not.toEqual(again.events);
  });

  it('is the same for a bucket, but for the disk: hosts die besides, and the service fails', () => {
    const inBucket = plans.map(({ seed }) => planRound(choiceOf(readOptions(['--store', 'bucket'], 0), seed)));
    const only = ({ events }: (typeof plans)[number], ...kinds: string[]) =>
      events.filter(({ event }) => !kinds.includes(event.kind));
    for (const [seed, { store, files, ...plan }] of inBucket.entries()) {
      expect([store, files]).toEqual(['bucket', plans[seed]!.files]);
      expect(only({ ...plan, store, files }, 'kill-hosts', 'store')).toEqual(only(plans[seed]!, 'full-disk'));
    }
    const added = inBucket.flatMap(({ events }) => events.map(({ event }) => event));
    const hosts = added.flatMap((event) => (event.kind === 'kill-hosts' ? [event.hosts.join()] : []));
    expect(new Set(hosts)).toEqual(new Set(['1', '2', '1,2']));
    expect(new Set(added.flatMap((event) => (event.kind === 'store' ? [event.fault] : []))).size).toBe(6);
  });

  it('drops every file, and undoes everything before the faults cease', () => {
    for (const { files, events, faultsMs } of plans) {
      const dropped = new Set(events.flatMap(({ event }) => (event.kind === 'drop' ? [event.file] : [])));
      expect(dropped.size).toBe(files.length);
      for (const { atMs, event } of events) {
        expect(atMs + ('forMs' in event ? event.forMs : 0)).toBeLessThanOrEqual(faultsMs + 1);
      }
    }
  });

  it('names lines as wds does, and gives every row its end', () => {
    const inputs = plans.flatMap(({ files }) => files.map(makeInput));
    for (const { rows, name } of inputs) {
      expect(rows[0]?.line).toBe(name.includes('.csv') ? 2 : 1);
      expect(new Set(rows.filter(({ is }) => is === 'alert').map(({ user }) => user)).size).toBe(
        rows.filter(({ is }) => is === 'alert').length,
      );
    }
    expect(new Set(inputs.flatMap(({ rows }) => rows.map(({ is }) => is)))).toEqual(
      new Set(['alert', 'invalid', 'duplicate']),
    );
  });
});

describe('sixty plans', () => {
  it('do everything to everybody', () => {
    const done = (kind: string, what: string): Set<unknown> =>
      new Set(
        events.flatMap((event) => (event.kind === kind ? [(event as unknown as Record<string, unknown>)[what]] : [])),
      );
    for (const kind of ['kill', 'terminate', 'stop']) expect(done(kind, 'target').size).toBe(8);
    for (const kind of ['cut', 'refuse', 'stall']) expect(done(kind, 'link').size).toBe(7);
    expect(done('mood', 'mood')).toEqual(new Set(MOODS));
    expect(done('order', 'order')).toEqual(new Set(ORDERS));
    expect(done('mend', 'way')).toEqual(new Set(MENDS));
    expect(done('clock', 'target').size).toBe(6);
    expect(events.some(({ kind }) => kind === 'full-disk')).toBe(true);
    expect(events.some((event) => event.kind === 'stop' && event.forMs > 35_000)).toBe(true);
  });

  it('take both policies and three rates by turns', () => {
    expect(new Set(plans.map(({ policy, rate }) => `${policy} ${rate}`)).size).toBe(6);
  });
});

describe('the flags', () => {
  it('are told in one line that repeats a round', () => {
    const choice = choiceOf(readOptions(['--policy', 'hold', '--rate', '50'], 0), 12);
    const flags = repeatLine(choice).split(' -- ')[1]!.split(' ');
    expect(choiceOf(readOptions(flags, 0), readOptions(flags, 0).seed)).toEqual(choice);
  });

  it('are refused with a word on what is expected', () => {
    expect(() => readOptions(['--policy', 'both'], 0)).toThrow('hold or resend is expected');
    expect(() => readOptions(['--minutes', 'ten'], 0)).toThrow('a number is expected');
    expect(() => readOptions(['--sed', '1'], 0)).toThrow('sed');
  });
});
