/** `wds up`: server, workers, watcher and, where no endpoint is configured, the bundled receiver with an example to see it work. */
import { fileURLToPath } from 'node:url';
import { withEndpoint } from '../config/settings.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import type { Installation } from '../temporal/installation.ts';
import type { AppContext, FileEnd, SendOptions, UpOptions } from './app.ts';
import { BUNDLED_RATE, startBundledReceiver } from './bundled-receiver.ts';
import { endpointsOf, meantEndpoints, routesOf, shownEndpoints } from './routes.ts';
import type { Door, OpenDoor } from './served.ts';
import { openOver } from './served-app.ts';
import type { Services } from './services.ts';

const LOOK_EVERY_MS = 1_000;
const EXAMPLE = fileURLToPath(new URL('../../../examples/alerts.csv', import.meta.url));

/** What `up` needs of the application. */
export interface UpHost {
  readonly context: AppContext;
  readonly openDoor: OpenDoor;
  installation(): Promise<Installation>;
  services(): Promise<Services>;
  deliver(files: readonly string[], endpoint: Endpoint, options: SendOptions): Promise<readonly FileEnd[]>;
  close(): Promise<void>;
}

export async function runUp(app: UpHost, options: UpOptions): Promise<void> {
  const { settings, signal } = app.context;
  const receiver = settings.endpoints.length === 0 ? await startBundledReceiver(settings.home) : undefined;
  const routed = receiver === undefined ? settings : withEndpoint(settings, receiver.endpoint);
  let door: Door | undefined;
  try {
    const routes = routesOf(routed);
    const endpoints = endpointsOf([...routes, { endpoints: meantEndpoints(routed) }]);
    const services = await app.services();
    // First: it is refused where another one watches this inbox for another endpoint, and then nothing may be sent from here.
    await services.startWatchers(routes);
    for (const endpoint of endpoints) await (await app.installation()).claimEndpoint(endpoint);
    await services.startWorkers(endpoints);
    // The example would wait for an approval.
    const example = options.example && settings.statedDelivery.first === undefined;
    if (receiver !== undefined && example && !signal.aborted) await deliverExample(app, receiver.endpoint, options);
    const installation = await app.installation();
    const { temporal, devServer, reports } = installation;
    const parts = { context: app.context, installation, routes };
    if (options.observer.files !== undefined) services.lookOn(options.observer.files, LOOK_EVERY_MS);
    door = await openOver(parts, app.openDoor, { portMayDiffer: true });
    if (!signal.aborted) {
      options.observer.ready({
        inboxes: routed.inboxes,
        reportsRoot: reports.place,
        temporalAddress: temporal.address,
        webUi: devServer?.uiUrl,
        api: door.address,
        endpoints: shownEndpoints(endpoints),
        bundledRate: receiver === undefined ? undefined : BUNDLED_RATE,
      });
    }
    await services.untilStopped();
  } finally {
    await door?.close();
    // The receiver goes last: what is open is still answered.
    await app.close();
    await receiver?.close();
  }
}

/** Delivered once in the life of a home: at the next start the same bytes are known. */
async function deliverExample(app: UpHost, endpoint: Endpoint, { observer }: UpOptions): Promise<void> {
  observer.exampleBegins();
  const following = { progress: () => undefined, ended: observer.exampleEnded };
  await app.deliver([EXAMPLE], endpoint, { observer: following, deadlineMs: undefined, priority: 'normal' });
}
