import type { Connection } from '@temporalio/client';
import { expect, test } from 'vitest';
import { RenewableConnection } from '../../src/temporal/renewable-connection.ts';

class Fake {
  readonly #name: string;
  closed = false;
  readonly workflowService: object;

  constructor(name: string) {
    this.#name = name;
    this.workflowService = { of: name };
  }

  withDeadline(): string {
    return this.#name;
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}
const connection = (fake: Fake): Connection => fake as unknown as Connection;

test('who holds the connection goes on by the one that replaced it; the one of before ends its calls, and is closed with it', async () => {
  const [first, second] = [new Fake('first'), new Fake('second')];
  const renewable = new RenewableConnection(connection(first));
  const held = renewable.connection as unknown as Fake;
  expect([held.withDeadline(), held.workflowService]).toEqual(['first', { of: 'first' }]);
  renewable.replace(connection(second));
  expect([held.withDeadline(), held.workflowService]).toEqual(['second', { of: 'second' }]);
  expect([first.closed, second.closed]).toEqual([false, false]);
  await renewable.close();
  expect([first.closed, second.closed]).toEqual([true, true]);
});
