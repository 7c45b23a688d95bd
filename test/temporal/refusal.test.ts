// @slow: services that keep one waiting
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { connect, devServerTarget } from '../../src/temporal/connection.ts';
import { hostAndPort, refusal } from '../../src/temporal/refusal.ts';

test('a service that refuses the connection, or has no address, is said within two seconds', async () => {
  for (const address of ['127.0.0.1:1', '[::1]:1', 'localhost:1', 'no-such-host.invalid:7233']) {
    const startedMs = performance.now();
    await expect(connect(devServerTarget({ address }))).rejects.toMatchObject({
      code: 'temporal_unreachable',
      message: expect.stringContaining(address),
    });
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  }
});

test('whoever accepts, be it late or in silence, is not refused', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const done = new AbortController();
  const refused = refusal(`127.0.0.1:${port}`, done.signal);
  const pending = new Promise((resolve) => setTimeout(resolve, 700, 'pending'));
  await expect(Promise.race([refused, pending])).resolves.toBe('pending');
  done.abort();
  server.close();
});

test.each([
  ['temporal.example.com:7233', { host: 'temporal.example.com', port: 7233 }],
  ['localhost', { host: 'localhost', port: 7233 }],
  ['[::1]:9', { host: '::1', port: 9 }],
  ['[::1]', { host: '::1', port: 7233 }],
  ['dns:///temporal:7233', undefined],
  ['unix:/tmp/temporal', undefined],
  ['::1', undefined],
])('the address %s is looked at as %j', (address, expected) => expect(hostAndPort(address)).toEqual(expected));
