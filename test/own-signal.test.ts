import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { withOwnSignal } from '../src/own-signal.ts';

test('what is added to the signal of a piece of work is gone with it', async () => {
  const life = new AbortController();
  for (let work = 0; work < 3; work++) {
    await withOwnSignal(life.signal, async (own) => own.addEventListener('abort', () => undefined));
    await withOwnSignal(life.signal, () => Promise.reject(new Error('failed'))).catch(() => undefined);
  }
  expect(getEventListeners(life.signal, 'abort')).toHaveLength(0);
});

test('work is aborted with the other signal, for the same reason, also where that was aborted before', async () => {
  const life = new AbortController();
  const reasonOf = (own: AbortSignal): Promise<unknown> =>
    new Promise((resolve) => {
      if (own.aborted) resolve(own.reason);
      own.addEventListener('abort', () => resolve(own.reason));
    });
  const during = withOwnSignal(life.signal, reasonOf);
  life.abort('enough');
  expect(await during).toBe('enough');
  expect(await withOwnSignal(life.signal, reasonOf)).toBe('enough');
});
