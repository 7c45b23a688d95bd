import { describe, expect, it } from 'vitest';
import { SendingSlots } from '../../src/temporal/sending-slots.ts';

function ask(slots: SendingSlots, signal: AbortSignal = new AbortController().signal) {
  const asked = { state: 'waiting' };
  slots.reserveSlot(undefined, signal).then(
    () => (asked.state = 'granted'),
    () => (asked.state = 'aborted'),
  );
  return asked;
}
/** Promises that can settle have settled. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('the slots of a worker that sends', () => {
  it('are given out as many as there are, and again when they are released', async () => {
    const slots = new SendingSlots(2);
    const asked = [ask(slots), ask(slots), ask(slots)];
    await settled();
    expect(asked.map(({ state }) => state)).toEqual(['granted', 'granted', 'waiting']);
    slots.releaseSlot();
    await settled();
    expect(asked[2]!.state).toBe('granted');
  });

  it('are kept while it stands by, and given out afterwards', async () => {
    const slots = new SendingSlots(1);
    slots.open = false;
    const asked = ask(slots);
    await settled();
    expect(asked.state).toBe('waiting');
    slots.open = true;
    await settled();
    expect(asked.state).toBe('granted');
  });

  it('are not lost when whoever waited for one gives up', async () => {
    const slots = new SendingSlots(1);
    slots.open = false;
    const leaving = new AbortController();
    const [left, stays] = [ask(slots, leaving.signal), ask(slots)];
    leaving.abort();
    slots.open = true;
    await settled();
    expect([left.state, stays.state]).toEqual(['aborted', 'granted']);
  });

  it('are lent by who only waits for answers, and are his again afterwards', async () => {
    const slots = new SendingSlots(1);
    const asked = [ask(slots), ask(slots), ask(slots)];
    const takeBack = slots.lend();
    await settled();
    expect(asked.map(({ state }) => state)).toEqual(['granted', 'granted', 'waiting']);
    takeBack();
    takeBack();
    slots.releaseSlot();
    await settled();
    expect(asked[2]!.state).toBe('waiting');
    slots.releaseSlot();
    await settled();
    expect(asked[2]!.state).toBe('granted');
  });

  it('are never given out for eager activities', () => {
    expect(new SendingSlots(1).tryReserveSlot()).toBeNull();
  });
});
