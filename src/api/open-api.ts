/** Opens the HTTP API: where it listens, and how it ends. */
import type { AddressInfo } from 'node:net';
import type { Door, ServedApp } from '../app/served.ts';
import { readApiToken } from '../config/secrets.ts';
import { Fault } from '../domain/failure.ts';
import { errnoOf, isErrno, reasonOf } from '../thrown.ts';
import { buildServer } from './server.ts';

const USUAL_PORT = 8480;
/** How long requests that are open may take to end when the API is stopped. */
const CLOSE_GRACE_MS = 5_000;

/** Throws Fault `config` where it cannot listen there, or must not without a token. */
export async function openApi(app: ServedApp, { portMayDiffer }: { readonly portMayDiffer: boolean }): Promise<Door> {
  const { api } = app.settings;
  const token = await readApiToken(api);
  void app.monitoring.begin();
  const server = await buildServer({ app, token });
  const listen = (port: number): Promise<string> => server.listen({ host: api.host, port });
  try {
    await listen(api.port ?? USUAL_PORT).catch((error: unknown) => {
      if (!portMayDiffer || api.port !== undefined || !isErrno(error, 'EADDRINUSE', 'EACCES')) throw error;
      return listen(0);
    });
  } catch (error) {
    const why = errnoOf(error) === 'EADDRINUSE' ? 'something else listens there' : reasonOf(error);
    throw new Fault(
      'config',
      `the HTTP API cannot listen at ${api.host}:${api.port ?? USUAL_PORT}: ${why}`,
      'Choose another port (--api-port, api.port) or address (--api-host, api.host).',
      { cause: error },
    );
  }
  return { address: addressOf(api.host, server.server.address() as AddressInfo), close: () => close(server) };
}

function addressOf(host: string, { port }: AddressInfo): string {
  const named = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${named.includes(':') ? `[${named}]` : named}:${port}`;
}

async function close(server: Awaited<ReturnType<typeof buildServer>>): Promise<void> {
  const cut = setTimeout(() => server.server.closeAllConnections(), CLOSE_GRACE_MS);
  await server.close().finally(() => clearTimeout(cut));
}
