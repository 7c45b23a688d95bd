import { describe, expect, test } from 'vitest';
import { Fault } from '../../src/domain/failure.ts';
import { IdSet } from '../../src/receiver/id-set.ts';
import type { ReceiverSettings } from '../../src/receiver/receiver-options.ts';
import { parseReceiverOptions } from '../../src/receiver/receiver-options.ts';

function faultOf(settings: ReceiverSettings): string {
  try {
    parseReceiverOptions(settings);
  } catch (error) {
    if (error instanceof Fault && error.code === 'usage') return error.message;
    throw error;
  }
  return 'no fault';
}

describe('settings', () => {
  test('none: unlimited, on loopback, on a free port', () => {
    const options = parseReceiverOptions({});
    expect(options).toMatchObject({ host: '127.0.0.1', port: 0, model: { model: 'unlimited', latencyMs: 0 } });
  });

  test('a rate alone is a token bucket; numbers and their texts mean the same', () => {
    const model = { model: 'token-bucket', ratePerSecond: 100 };
    for (const rate of [100, '100', '100/s', '6000/min', '360000/h']) {
      expect(parseReceiverOptions({ rate }).model).toMatchObject(model);
    }
    expect(parseReceiverOptions({ rate: 'unlimited' }).model.model).toBe('unlimited');
  });

  test('a schedule, durations, shares and failing users are read', () => {
    const options = parseReceiverOptions({
      schedule: '0s:200,60s:20,2m:400',
      latencyMs: '1.5s',
      failRate: '10%',
      failUsers: ['^a=b=404', 'x=500x3'],
      retryAfter: '30',
    });
    expect(options.model.schedule).toEqual([
      { fromMs: 0, ratePerSecond: 200 },
      { fromMs: 60_000, ratePerSecond: 20 },
      { fromMs: 120_000, ratePerSecond: 400 },
    ]);
    expect(options.model).toMatchObject({ model: 'token-bucket', ratePerSecond: 200, latencyMs: 1500 });
    expect(options).toMatchObject({ failRate: 0.1, retryAfter: 30 });
    expect(options.failUsers).toEqual([
      { pattern: /^a=b/u, status: 404, times: Number.POSITIVE_INFINITY },
      { pattern: /x/u, status: 500, times: 3 },
    ]);
  });

  test('every wrong one is named, with its value, and a secret without', () => {
    const fault = faultOf({ rate: 'fast', port: 70_000, failRate: 2, secret: 'whsec_short', hostile: 'rude' });
    for (const part of [
      'rate: "fast"',
      'port: "70000"',
      'failRate: "2"',
      'secret: the value given',
      'hostile: "rude"',
    ]) {
      expect(fault).toContain(part);
    }
    expect(fault).not.toContain('whsec_short');
  });

  test('what cannot go together is refused', () => {
    expect(faultOf({ model: 'fixed-window' })).toContain('needs a rate');
    expect(faultOf({ model: 'concurrency', rate: 5 })).toContain('takes no rate');
    expect(faultOf({ model: 'fixed-window', rate: 0.5 })).toContain('less than one request');
    expect(faultOf({ schedule: '10s:5,5s:1' })).toContain('schedule');
    expect(faultOf({ failUsers: '(=500' })).toContain('failUsers');
  });
});

test('the set of ids knows 300,000 similar ones from each other', () => {
  const ids = new IdSet();
  const id = (i: number): string => `default_0123456789abcdef0123456789abcdef_${i}`;
  for (let i = 0; i < 300_000; i++) ids.add(id(i));
  expect(ids.size).toBe(300_000);
  for (let i = 0; i < 300_000; i += 1000) {
    expect(ids.has(id(i))).toBe(true);
    expect(ids.add(id(i))).toBe(false);
  }
  expect(ids.has(id(300_000))).toBe(false);
});
