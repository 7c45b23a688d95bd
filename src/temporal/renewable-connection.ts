/**
 * A client's connection that can be replaced while everybody goes on to use it: a certificate is shown when a connection is made, so another
 * certificate needs another connection. Calls that are under way end on the one of before.
 */
import type { Connection } from '@temporalio/client';

/** Longer than any call lasts: a look at a delivery's end is answered within a minute. */
const LONGEST_CALL_MS = 120_000;

export class RenewableConnection {
  /** Stands for the one that holds. */
  readonly connection: Connection;
  #current: Connection;
  readonly #retired = new Map<Connection, NodeJS.Timeout>();

  constructor(first: Connection) {
    this.#current = first;
    this.connection = new Proxy(first, {
      get: (_first, name) => {
        const value: unknown = Reflect.get(this.#current, name, this.#current);
        return typeof value === 'function' ? (value.bind(this.#current) as unknown) : value;
      },
    });
  }

  replace(next: Connection): void {
    const before = this.#current;
    this.#current = next;
    const close = (): void => {
      this.#retired.delete(before);
      before.close().catch(() => undefined);
    };
    this.#retired.set(before, setTimeout(close, LONGEST_CALL_MS).unref());
  }

  async close(): Promise<void> {
    for (const timer of this.#retired.values()) clearTimeout(timer);
    await Promise.all([...this.#retired.keys()].map((connection) => connection.close().catch(() => undefined)));
    await this.#current.close();
  }
}
