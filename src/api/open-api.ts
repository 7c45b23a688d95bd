/** Opens the HTTP API: where it listens, and how it ends. */
import type { AddressInfo } from 'node:net';
import type { Door, ServedApp } from '../app/served.ts';
import { readApiToken } from '../config/secrets.ts';
import { Fault } from '../domain/failure.ts';
import { watchFiles } from '../file-signs.ts';
import { errnoOf, isErrno, reasonOf } from '../thrown.ts';
import { Access } from './access.ts';
import { buildServer } from './server.ts';

const USUAL_PORT = 8480;
/** How long requests that are open may take to end when the API is stopped. */
const CLOSE_GRACE_MS = 5_000;

/** Throws Fault `config` where it cannot listen there, or must not without a token. */
export async function openApi(app: ServedApp, { portMayDiffer }: { readonly portMayDiffer: boolean }): Promise<Door> {
  const { api } = app.settings;
  const access = new Access(api.host, await readApiToken(api));
  void app.monitoring.begin();
  const server = await buildServer({ app, access });
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
  const stopWatching = watchToken(app, access);
  return {
    address: addressOf(api.host, server.server.address() as AddressInfo),
    close: () => {
      stopWatching();
      return close(server);
    },
  };
}

/** A token that comes from a file holds as soon as the file is replaced. */
function watchToken({ settings: { api }, logger }: ServedApp, access: Access): () => void {
  if (api.token === undefined || !('file' in api.token)) return () => undefined;
  return watchFiles([api.token.file], {
    onChange: async () => {
      access.token = (await readApiToken(api))!;
      logger.info({ event: 'api_token_renewed' }, 'another token holds: its file has changed');
    },
    onTrouble: (error) =>
      logger.warn(
        { event: 'api_token_trouble', reason: reasonOf(error) },
        'the token cannot be read again; that of before holds',
      ),
  });
}

function addressOf(host: string, { port }: AddressInfo): string {
  const named = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${named.includes(':') ? `[${named}]` : named}:${port}`;
}

async function close(server: Awaited<ReturnType<typeof buildServer>>): Promise<void> {
  const cut = setTimeout(() => server.server.closeAllConnections(), CLOSE_GRACE_MS);
  await server.close().finally(() => clearTimeout(cut));
}
