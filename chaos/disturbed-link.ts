/** A TCP proxy on 127.0.0.1 between two processes, whose connections can be cut, refused, or held up as by a dead network. */
import type { Server, Socket } from 'node:net';
import { createConnection, createServer } from 'node:net';

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

export class DisturbedLink {
  readonly port: number;
  readonly #server: Server;
  readonly #pairs: Set<Pair>;
  #refusing = false;
  #stalled = false;

  private constructor(server: Server, port: number, pairs: Set<Pair>) {
    this.#server = server;
    this.port = port;
    this.#pairs = pairs;
  }

  /** Listens at a free port, and connects to `targetPort` for each connection that it takes. */
  static async open(targetPort: number): Promise<DisturbedLink> {
    const pairs = new Set<Pair>();
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    const proxy = new DisturbedLink(server, address.port, pairs);
    server.on('connection', (near) => proxy.#join(near, targetPort));
    return proxy;
  }

  #join(near: Socket, targetPort: number): void {
    if (this.#refusing) {
      near.resetAndDestroy();
      return;
    }
    const pair = { near, far: createConnection({ host: '127.0.0.1', port: targetPort }) };
    this.#pairs.add(pair);
    for (const [from, to] of [
      [pair.near, pair.far],
      [pair.far, pair.near],
    ] as const) {
      from.setNoDelay(true);
      from.on('data', (bytes) => {
        if (!to.write(bytes)) from.pause();
      });
      to.on('drain', () => {
        if (!this.#stalled) from.resume();
      });
      from.once('end', () => to.end());
      from.once('error', () => to.destroy());
      from.once('close', () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
      if (this.#stalled) from.pause();
    }
  }

  /** Resets that share of the open connections; at least one, where there is one. */
  cut(share: number): void {
    const pairs = [...this.#pairs];
    for (const { near, far } of pairs.slice(0, Math.ceil(share * pairs.length))) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  }

  /** Cuts all, and takes no new ones until it is told otherwise. */
  refuse(refusing: boolean): void {
    this.#refusing = refusing;
    if (refusing) this.cut(1);
  }

  /** No byte passes in either direction; nobody is told. */
  stall(stalled: boolean): void {
    this.#stalled = stalled;
    for (const { near, far } of this.#pairs) {
      for (const socket of [near, far]) {
        if (stalled) socket.pause();
        else socket.resume();
      }
    }
  }

  async close(): Promise<void> {
    this.cut(1);
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
