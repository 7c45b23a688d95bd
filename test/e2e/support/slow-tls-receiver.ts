/** A receiver behind TLS whose handshake takes its time, as behind an overloaded proxy. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import type { Listening, ScriptedReceiver } from './scripted-receiver.ts';

/** A certificate for 127.0.0.1 that signs itself, for these tests only: what clients have to trust. */
export const AUTHORITY_FILE = fileURLToPath(new URL('./loopback-certificate.pem', import.meta.url));
const KEY_FILE = fileURLToPath(new URL('./loopback-key.pem', import.meta.url));

export async function listenSlowly(receiver: ScriptedReceiver, handshakeMs: number): Promise<Listening> {
  const web = createServer(receiver.listener);
  web.keepAliveTimeout = 60_000;
  const secureContext = createSecureContext({ key: readFileSync(KEY_FILE), cert: readFileSync(AUTHORITY_FILE) });
  const sockets = new Set<Socket>();
  const server = createTcpServer({ pauseOnConnect: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket)).on('error', () => undefined);
    setTimeout(() => {
      const secure = new TLSSocket(socket, { isServer: true, secureContext });
      secure.on('error', () => undefined);
      web.emit('connection', secure);
    }, handshakeMs);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { receiver, url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, close };
}
