import { expect, test } from 'vitest';
import { NOTHING_SENT } from '../../../src/domain/counts.ts';
import { Decision } from '../../../src/domain/progress/decision.ts';

const sent = (delivered: number, rejected = 0) => ({ ...NOTHING_SENT, delivered, rejected });

test('without an option all may be begun, and nothing is asked', () => {
  const decision = new Decision({}, undefined);
  expect(decision.isOpen).toBe(true);
  expect(decision.begin(5_000)).toBe(5_000);
  expect(decision.failing(sent(0, 1_000))).toBe(false);
  expect(decision.state).toEqual({});
});

test('exactly so many may be begun', () => {
  const decision = new Decision({ first: 20 }, undefined);
  expect([decision.begin(15), decision.begin(15), decision.begin(1)]).toEqual([15, 5, 0]);
  decision.partEnded(sent(20));
  expect(decision.asked).toBe('first');
  decision.approve();
  expect(decision.begin(9)).toBe(9);
});

test('a share that is just reached is none too many, and few alerts say nothing', () => {
  const decision = new Decision({ stopAtFailures: 0.05 }, undefined);
  expect(decision.failing(sent(0, 99))).toBe(false);
  expect(decision.failing(sent(95, 5))).toBe(false);
  expect(decision.failing(sent(94, 6))).toBe(true);
  expect(decision.failing(sent(94, 6))).toBe(false);
});

test('the first ones that fail are asked about as failures, and accepted failures stop nothing any more', () => {
  const decision = new Decision({ first: 20, stopAtFailures: 0.05 }, undefined);
  decision.begin(20);
  decision.partEnded(sent(10, 10));
  expect(decision.text(sent(10, 10), 500)).toMatch(/^10 of 20 alerts failed \(50%\)/);
  decision.approve();
  expect(decision.isOpen).toBe(true);
  expect(decision.failing(sent(10, 490))).toBe(false);
});

test('what one run hands to the next is what the next one goes on with', () => {
  const decision = new Decision({ first: 20 }, undefined);
  decision.begin(8);
  const next = new Decision({ first: 20 }, decision.state);
  expect(next.begin(100)).toBe(12);
  next.partEnded(sent(20));
  next.approve();
  expect(new Decision({ first: 20 }, next.state).isOpen).toBe(true);
});
