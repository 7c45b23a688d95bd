/** `wds up`: server, workers, watcher and, where no endpoint is configured, the bundled receiver with an example to see it work. */
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultEndpoint } from '../config/settings.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import type { RunningReceiver } from '../receiver/receiver.ts';
import { startReceiver } from '../receiver/receiver.ts';
import type { UpOptions } from './app.ts';
import type { TemporalApp } from './app-temporal.ts';
import { endText } from './output.ts';

/** A name of its own: the receiver's port may change from start to start, the delivery of the example may not. */
const BUNDLED_ENDPOINT = 'bundled-receiver';
const BUNDLED_RATE = 100;
const BUNDLED_PORT = 8484;
const EXAMPLE = fileURLToPath(new URL('../../../examples/alerts.csv', import.meta.url));

export async function runUp(app: TemporalApp, options: UpOptions): Promise<void> {
  const { settings, signal } = app.context;
  const receiver = settings.endpoint === undefined ? await startBundledReceiver() : undefined;
  const endpoint = settings.endpoint ?? bundledEndpoint(receiver!);
  try {
    await app.startWorkers(endpoint);
    await app.startWatcher(endpoint);
    if (receiver !== undefined && options.example && !signal.aborted) await deliverExample(app, endpoint);
    await welcome(app, endpoint, receiver);
    await app.untilStopped();
  } finally {
    // The receiver goes last: what is open is still answered.
    await app.close();
    await receiver?.close();
  }
}

async function startBundledReceiver(): Promise<RunningReceiver> {
  try {
    return await startReceiver({ rate: BUNDLED_RATE, port: BUNDLED_PORT });
  } catch {
    // The port is taken: any other will do.
    return startReceiver({ rate: BUNDLED_RATE, port: 0 });
  }
}

const bundledEndpoint = ({ url }: RunningReceiver): Endpoint =>
  defaultEndpoint(url, { name: BUNDLED_ENDPOINT, rate: BUNDLED_RATE });

/** Delivered once in the life of a home: at the next start the same bytes are known. */
async function deliverExample(app: TemporalApp, endpoint: Endpoint): Promise<void> {
  const { messages } = app.context;
  messages.message('Delivering the bundled example, examples/alerts.csv …');
  const observer = { progress: () => undefined, ended: () => undefined };
  const [end] = await app.deliver([EXAMPLE], endpoint, { observer, deadlineMs: undefined });
  if (end !== undefined) messages.message(endText(end, (text) => text));
}

async function welcome(app: TemporalApp, endpoint: Endpoint, receiver: RunningReceiver | undefined): Promise<void> {
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
      receiver === undefined
        ? `Endpoint   ${endpoint.name}   ${endpoint.url}`
        : `Endpoint   the bundled receiver, ${BUNDLED_RATE} alerts a second   ${receiver.url}`,
      receiver === undefined
        ? 'Next       wds status, in another terminal; Ctrl-C stops everything, the next start goes on'
        : 'Next       deliver to your own webhook: npm start -- --url https://example.com/hook --rate 100',
    ].join('\n'),
  );
}
