/**
 * The bundled receiver: a webhook with a limit of its own, for newcomers to try wds on, for users to rehearse their endpoint, and
 * for tests and benchmarks as the witness outside. It listens, and it can be turned while it runs: in-process by `reconfigure`,
 * from elsewhere by `POST /control`.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Fault } from '../domain/failure.ts';
import { Deliveries } from './deliveries.ts';
import { resetConnection } from './hostile.ts';
import { serveControl, servePage } from './pages.ts';
import type { ReceiverOptions, ReceiverSettings } from './receiver-options.ts';
import { parseReceiverOptions } from './receiver-options.ts';
import type { ReceiverReport } from './receiver-stats.ts';

/** Idle connections are closed after this time. */
const KEEP_ALIVE_MS = 65_000;

export interface RunningReceiver {
  readonly url: string;
  readonly port: number;
  readonly controlUrl: string | null;
  stats(): ReceiverReport;
  /** Counts and seen ids begin anew. */
  reset(): void;
  /** Merges into the settings (null: back to the default) and applies them; a `usage` Fault leaves all as it was. */
  reconfigure(patch: ReceiverSettings): Promise<void>;
  /** Connections are cut, the log is complete on file. */
  close(): Promise<void>;
}

/** Wall-clock milliseconds with fraction that never jump. */
const wallClock = (): number => performance.timeOrigin + performance.now();

/** Throws a `usage` Fault for wrong settings, and for an address that is taken. */
export async function startReceiver(
  settings: ReceiverSettings = {},
  clock: () => number = wallClock,
): Promise<RunningReceiver> {
  const receiver = new Receiver(settings, clock);
  try {
    await receiver.start();
  } catch (error) {
    await receiver.close();
    throw error;
  }
  return receiver;
}

class Receiver implements RunningReceiver {
  url = '';
  port = 0;
  controlUrl: string | null = null;
  private settings: ReceiverSettings;
  private options: ReceiverOptions;
  private readonly deliveries: Deliveries;
  private server: Server | undefined;
  private controlServer: Server | undefined;
  private upAgain: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(settings: ReceiverSettings, clock: () => number) {
    this.settings = settings;
    this.options = parseReceiverOptions(settings);
    this.deliveries = new Deliveries(this.options, clock);
  }

  async start(): Promise<void> {
    const { host, port, controlPort } = this.options;
    const urlHost = host.includes(':') ? `[${host}]` : host;
    this.server = await this.listen(port);
    this.port = (this.server.address() as AddressInfo).port;
    this.url = `http://${urlHost}:${this.port}/`;
    if (controlPort !== undefined) {
      this.controlServer = await this.listen(controlPort);
      this.controlUrl = `http://${urlHost}:${(this.controlServer.address() as AddressInfo).port}/`;
    }
    await this.applyDown();
  }

  stats(): ReceiverReport {
    const { secret, ...shown } = this.settings;
    const settings = secret === undefined || secret === null ? shown : { ...shown, secret: '(set)' };
    return { ...this.deliveries.stats.snapshot(), limit: this.limit(), settings, controlUrl: this.controlUrl };
  }

  reset(): void {
    this.deliveries.reset();
  }

  async reconfigure(patch: ReceiverSettings): Promise<void> {
    const settings = Object.fromEntries(
      Object.entries({ ...this.settings, downForMs: undefined, ...patch }).filter(
        ([, value]) => value !== null && value !== undefined,
      ),
    ) as ReceiverSettings;
    const options = parseReceiverOptions(settings);
    const fixed = (['port', 'host', 'controlPort'] as const).filter((name) => options[name] !== this.options[name]);
    if (fixed.length > 0) throw new Fault('usage', `${fixed.join(', ')} cannot be changed while the receiver runs`);
    this.deliveries.configure(options);
    this.settings = settings;
    this.options = options;
    await this.applyDown();
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.upAgain);
    await Promise.all([stop(this.server), stop(this.controlServer)]);
    this.deliveries.close();
  }

  /** Down means down: nobody listens, and open connections are cut. */
  private async applyDown(): Promise<void> {
    clearTimeout(this.upAgain);
    const { down, downForMs } = this.options;
    if (down || downForMs !== undefined) {
      const server = this.server;
      this.server = undefined;
      await stop(server);
      if (!down) this.upAgain = setTimeout(() => void this.comeBack(), downForMs);
    } else {
      await this.comeBack();
    }
  }

  private async comeBack(): Promise<void> {
    if (this.server !== undefined || this.closed) return;
    this.server = await this.listen(this.port);
  }

  private async listen(port: number): Promise<Server> {
    const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, this.route);
    server.on('connection', (socket) => {
      this.deliveries.stats.openConnections += 1;
      socket.on('close', () => {
        this.deliveries.stats.openConnections -= 1;
      });
    });
    const { host } = this.options;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        const nextStep = 'Choose another --port, or 0 for a free one.';
        reject(new Fault('usage', `cannot listen on ${host}:${port}: ${error.code}`, nextStep, { cause: error }));
      });
      server.listen(port, host, 4096, resolve);
    });
    return server;
  }

  private readonly route = (request: IncomingMessage, response: ServerResponse): void => {
    if (request.method !== 'POST') servePage(request, response, this);
    else if (request.url === '/control') void this.control(request, response);
    else this.deliveries.handle(request, response);
  };

  /** A client that goes down with the server it turns off would never know: it must stay reachable. */
  private async control(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const viaMain = request.socket.localPort === this.port;
    const reconfigure = async (patch: ReceiverSettings): Promise<void> => {
      const goesDown =
        patch.down === true || typeof patch.downForMs === 'number' || typeof patch.downForMs === 'string';
      if (!goesDown || !viaMain) return await this.reconfigure(patch);
      if (patch.down === true) {
        throw new Fault('usage', 'down here would end control too: use the control port, or downForMs');
      }
      parseReceiverOptions({ ...this.settings, ...patch });
      response.on('finish', () => void this.reconfigure(patch));
    };
    const controlled = { stats: () => this.stats(), reset: () => this.reset(), reconfigure };
    await serveControl(request, response, controlled).catch(() => resetConnection(request.socket));
  }

  private limit(): string {
    const { model, schedule, burst, windowMs, blockMs, concurrency } = this.options.model;
    if (this.options.status !== undefined) return `everything is answered with ${this.options.status}`;
    if (model === 'unlimited') return 'none';
    if (model === 'concurrency') return `${concurrency} requests at once`;
    const detail =
      model === 'token-bucket' || model === 'loaded' ? `burst ${burst ?? 'of one second'}` : `${windowMs} ms`;
    const block = model === 'shield' ? `, then nothing for ${blockMs} ms` : '';
    const moving = schedule === undefined ? '' : ', moving by schedule';
    return `${this.options.model.ratePerSecond}/s, ${model}, ${detail}${block}${moving}`;
  }
}

async function stop(server: Server | undefined): Promise<void> {
  if (server === undefined) return;
  const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await stopped;
}
