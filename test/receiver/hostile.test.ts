// @slow: waits for deadlines
import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { RunningReceiver } from '../../src/receiver/receiver.ts';
import { startReceiver } from '../../src/receiver/receiver.ts';
import type { ReceiverSettings } from '../../src/receiver/receiver-options.ts';
import { HOSTILE_MODES } from '../../src/receiver/receiver-settings.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function start(settings: ReceiverSettings): Promise<RunningReceiver> {
  const receiver = await startReceiver(settings);
  undo.push(() => receiver.close());
  return receiver;
}

const POST = 'POST / HTTP/1.1\r\nhost: x\r\nwebhook-id: w1\r\n';
const REQUEST = `${POST}content-length: 2\r\n\r\n{}`;

/** A connection that collects what comes, and how it ended. */
async function connect(
  receiver: RunningReceiver,
): Promise<{ socket: net.Socket; read: () => string; ended: () => string }> {
  const socket = net.connect(receiver.port, '127.0.0.1');
  undo.push(() => socket.destroy());
  let text = '';
  let end = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    end = error.code ?? 'error';
  });
  socket.on('end', () => {
    end ||= 'end';
  });
  await once(socket, 'connect');
  return { socket, read: () => text, ended: () => end };
}

describe('HTTP as it comes over the wire', () => {
  test('pipelined, chunked, split and kept-alive requests are each answered once, in order', async () => {
    const receiver = await start({ failUsers: 'b=422' });
    const { socket, read } = await connect(receiver);
    const body = '{"userId":"b","alertMessage":"m"}';
    const chunked = `${POST}transfer-encoding: chunked\r\n\r\n5\r\n${body.slice(0, 5)}\r\n1c\r\n${body.slice(5)}\r\n0\r\n\r\n`;
    socket.setNoDelay(true);
    const bytes = REQUEST + REQUEST + chunked + REQUEST;
    for (let at = 0; at < bytes.length; at += 7) {
      socket.write(bytes.slice(at, at + 7));
      await new Promise(setImmediate);
    }
    await vi.waitFor(() => expect(read().match(/HTTP\/1\.1 \d+/g)).toHaveLength(4), 5000);
    expect(
      read()
        .match(/HTTP\/1\.1 \d+/g)
        ?.map((line) => line.slice(9)),
    ).toEqual(['200', '200', '422', '200']);
    expect(receiver.stats()).toMatchObject({ received: 4, openConnections: 1, repeated: 2 });
  });

  test('a request that breaks off is not received', async () => {
    const receiver = await start({});
    const { socket } = await connect(receiver);
    socket.write(`${POST}content-length: 100\r\n\r\n{"userId"`);
    await vi.waitFor(() => expect(receiver.stats().openRequests).toBe(1), 5000);
    socket.destroy();
    await vi.waitFor(() => expect(receiver.stats()).toMatchObject({ openRequests: 0, aborted: 1, received: 0 }), 5000);
  });

  test('a body over 1 MiB is refused', async () => {
    const receiver = await start({});
    const { socket, read } = await connect(receiver);
    const size = 1024 * 1024 + 1;
    socket.write(`${POST}content-length: ${size}\r\n\r\n${'x'.repeat(size)}`);
    await vi.waitFor(() => expect(read()).toContain('HTTP/1.1 413'), 5000);
    expect(receiver.stats()).toMatchObject({ refused: 1, accepted: 0 });
  });
});

describe('hostile modes', () => {
  test.each(HOSTILE_MODES)('%s holds nothing any more once the client has left', async (hostile) => {
    const receiver = await start({ hostile });
    const { socket } = await connect(receiver);
    socket.write(REQUEST);
    await vi.waitFor(() => expect(receiver.stats().received).toBe(1), 5000);
    socket.destroy();
    await vi.waitFor(() => expect(receiver.stats()).toMatchObject({ openConnections: 0, openRequests: 0 }), 5000);
  });

  test('never-answers reads and is silent', async () => {
    const receiver = await start({ hostile: 'never-answers' });
    const { socket, read, ended } = await connect(receiver);
    socket.write(REQUEST);
    await vi.waitFor(() => expect(receiver.stats()).toMatchObject({ failed: 1, accepted: 0 }), 5000);
    expect([read(), ended()]).toEqual(['', '']);
  });

  test('slow-body and endless-body answer 200 and go on', async () => {
    const receiver = await start({ hostile: 'slow-body' });
    const slow = await connect(receiver);
    slow.socket.write(REQUEST);
    await vi.waitFor(() => expect(slow.read()).toMatch(/^HTTP\/1\.1 200 .*\r\n\r\nxx$/s), 5000);
    await receiver.reconfigure({ hostile: 'endless-body' });
    const endless = await connect(receiver);
    endless.socket.write(REQUEST);
    await vi.waitFor(() => expect(endless.read().length).toBeGreaterThan(3e6), 5000);
    expect(receiver.stats().accepted).toBe(2);
  });

  test('huge-headers sends a megabyte of them', async () => {
    const receiver = await start({ hostile: 'huge-headers' });
    const { socket, read } = await connect(receiver);
    socket.write(REQUEST);
    await vi.waitFor(() => expect(read()).toMatch(/\r\n\r\n$/), 5000);
    expect(read().length).toBeGreaterThan(1024 * 1024);
  });

  test('a reset before the answer has not accepted the alert, a reset after reading has', async () => {
    const receiver = await start({ hostile: 'reset-before-answer' });
    const before = await connect(receiver);
    before.socket.write(REQUEST);
    await vi.waitFor(() => expect(before.ended()).toBe('ECONNRESET'), 5000);
    expect(receiver.stats()).toMatchObject({ accepted: 0, failed: 1 });
    await receiver.reconfigure({ hostile: 'reset-after-read' });
    const after = await connect(receiver);
    after.socket.write(REQUEST);
    await vi.waitFor(() => expect(after.ended()).toBe('ECONNRESET'), 5000);
    expect(after.read()).toBe('');
    expect(receiver.stats()).toMatchObject({ accepted: 1, failed: 1 });
  });

  test('a share of the requests can be treated so', async () => {
    const receiver = await start({ hostile: 'never-answers', hostileRate: '50%', seed: 5 });
    for (let i = 0; i < 40; i++) (await connect(receiver)).socket.write(REQUEST);
    await vi.waitFor(() => expect(receiver.stats().received).toBe(40), 5000);
    const { accepted, failed } = receiver.stats();
    expect(accepted).toBeGreaterThan(5);
    expect(failed).toBeGreaterThan(5);
  });
});
