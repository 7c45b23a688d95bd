/** `wds api`: the watchers of the inboxes, the HTTP API over them and, with the embedded server, the workers. */
import type { Route } from './routes.ts';
import { endpointsOf, shownEndpoints } from './routes.ts';
import { openOver } from './served-app.ts';
import type { ApiState } from './standing.ts';
import type { UpHost } from './up.ts';

/** `ready` is told once it listens. Resolves when it is stopped. */
export async function runApi(
  app: Pick<UpHost, 'context' | 'openDoor' | 'installation' | 'services'>,
  routes: readonly Route[],
  ready: (state: ApiState) => void,
): Promise<void> {
  const endpoints = endpointsOf(routes);
  const services = await app.services();
  await services.startWatchers(routes);
  const installation = await app.installation();
  if (installation.embedded) await services.startWorkers(endpoints);
  const parts = { context: app.context, installation, routes };
  const { address, close } = await openOver(parts, app.openDoor, { portMayDiffer: false });
  try {
    const { inboxes } = app.context.settings;
    ready({ address, inboxes, endpoints: shownEndpoints(endpoints), works: installation.embedded });
    await services.untilStopped();
  } finally {
    await close();
  }
}
