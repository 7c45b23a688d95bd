/** `wds up`: server, workers, watcher and, where no endpoint is configured, the bundled receiver with an example to see it work. */
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shownUrl } from '../config/endpoint-url.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import type { UpOptions } from './app.ts';
import type { TemporalApp } from './app-temporal.ts';
import { BUNDLED_RATE, startBundledReceiver } from './bundled-receiver.ts';

const EXAMPLE = fileURLToPath(new URL('../../../examples/alerts.csv', import.meta.url));

export async function runUp(app: TemporalApp, options: UpOptions): Promise<void> {
  const { settings, signal } = app.context;
  const receiver = settings.endpoint === undefined ? await startBundledReceiver(settings.home) : undefined;
  const endpoint = settings.endpoint ?? receiver!.endpoint;
  try {
    const services = await app.services();
    await services.startWorkers(endpoint);
    await services.startWatcher(endpoint);
    if (receiver !== undefined && options.example && !signal.aborted) await deliverExample(app, endpoint, options);
    await welcome(app, endpoint, receiver !== undefined);
    await services.untilStopped();
  } finally {
    // The receiver goes last: what is open is still answered.
    await app.close();
    await receiver?.close();
  }
}

/** Delivered once in the life of a home: at the next start the same bytes are known. */
async function deliverExample(app: TemporalApp, endpoint: Endpoint, { exampleEnded }: UpOptions): Promise<void> {
  const { messages } = app.context;
  messages.message('Delivering the bundled example, examples/alerts.csv …');
  const observer = { progress: () => undefined, ended: exampleEnded };
  await app.deliver([EXAMPLE], endpoint, { observer, deadlineMs: undefined, priority: 'normal' });
}

async function welcome(app: TemporalApp, endpoint: Endpoint, bundled: boolean): Promise<void> {
  const { settings, messages, signal } = app.context;
  if (signal.aborted) return;
  const installation = await app.installation();
  const { address } = installation.temporal;
  const here = (path: string): string => relative(process.cwd(), path) || '.';
  messages.message(
    [
      `Inbox      ${here(settings.inbox)}   drop .csv, .ndjson or .json files here, also .gz`,
      `Reports    ${here(installation.reportsRoot)}   a folder for each file`,
      `Web UI     ${installation.devServer?.uiUrl ?? `of your Temporal service at ${address}`}`,
      bundled
        ? `Endpoint   the bundled receiver, ${BUNDLED_RATE} alerts a second   ${shownUrl(endpoint.url)}`
        : `Endpoint   ${endpoint.name}   ${shownUrl(endpoint.url)}`,
      bundled
        ? 'Next       deliver to your own webhook: npm start -- --url https://example.com/hook --rate 100'
        : 'Next       wds status, in another terminal; Ctrl-C stops everything, the next start goes on',
    ].join('\n'),
  );
}
