/** Ports of this host that nobody listens on. Between the look and the use another process may take one: callers try again. */
import { createServer } from 'node:net';

const HIGHEST_PORT = 65_535;

/** The first free port from `from` upward, none of `taken`; from 0, any free one. */
export async function freePort(from: number, taken: readonly number[] = []): Promise<number> {
  for (let port = from; port <= HIGHEST_PORT; port += port === 0 ? 0 : 1) {
    const bound = taken.includes(port) ? undefined : await tryPort(port);
    if (bound !== undefined && !taken.includes(bound)) return bound;
  }
  throw new Error(`no free port from ${from} upward`);
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(undefined));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined));
    });
  });
}
