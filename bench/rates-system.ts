/**
 * All processes of a measurement of rates: the dev server with eager activities, the bundled receiver, one worker for files and two that
 * send, each a process of its own in a temporary home. What a scenario kills, it starts again here.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, openSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { startDevServer } from '../src/dev-server/dev-server.ts';
import type { SharedServer } from '../src/dev-server/shared-server.ts';
import type { GovernorView } from '../src/domain/governor/messages.ts';
import { governedEndpoints, queryGovernor } from '../src/temporal/governor-client.ts';
import type { Traffic } from './rates-figures.ts';
import { readTraffic } from './rates-figures.ts';
import type { ReceiverProcess } from './receiver-process.ts';
import { startReceiverProcess } from './receiver-process.ts';

const LAUNCHER = fileURLToPath(new URL('../../bin/wds.mjs', import.meta.url));
const READY_LIMIT_MS = 60_000;

export interface SystemOptions {
  readonly partitions?: number;
  /** As `--rate` takes it. */
  readonly rate: number | 'auto' | 'unlimited';
  /** Flags of the receiver. */
  readonly receiver: readonly string[];
  /** What the receiver verifies. */
  readonly receiverSecret?: string;
  /** More environment for the workers. */
  readonly env?: Readonly<Record<string, string>>;
  /** Workers that send; left out: two. */
  readonly workers?: 1 | 2 | 4;
}

export class RatesSystem {
  readonly home: string;
  readonly #options: SystemOptions;
  readonly #logFile: string;
  #server: SharedServer | undefined;
  #receiver: ReceiverProcess | undefined;
  #client: Client | undefined;
  #files: ChildProcess | undefined;
  #alerts: ChildProcess[] = [];
  #sends: ChildProcess[] = [];
  #trace: NodeJS.Timeout | undefined;
  #started = 0;

  private constructor(home: string, options: SystemOptions) {
    this.home = home;
    this.#options = options;
    this.#logFile = join(home, 'receiver.log');
  }

  static async start(options: SystemOptions): Promise<RatesSystem> {
    const system = new RatesSystem(await mkdtemp(join(tmpdir(), 'wds-rates-')), options);
    try {
      system.#receiver = await startReceiverProcess(
        ['--log', system.#logFile, ...options.receiver],
        options.receiverSecret === undefined ? {} : { secret: options.receiverSecret },
      );
      await system.startServer();
      await system.startWorkers();
      if (process.env.WDS_RATES_TRACE !== undefined) system.#startTrace();
      return system;
    } catch (error) {
      await system.close();
      throw error;
    }
  }

  get receiver(): ReceiverProcess {
    return this.#receiver!;
  }

  /** Of the workers that send. */
  get sendingPids(): readonly number[] {
    return this.#alerts.map((child) => child.pid!);
  }

  async startServer(): Promise<void> {
    const { partitions = 1 } = this.#options;
    this.#server = await startDevServer({
      home: join(this.home, 'server'),
      mark: 'wds-bench',
      port: 0,
      uiPort: 0,
      partitions,
      eagerActivities: true,
      log: () => {},
    });
    this.#client = new Client({ connection: await Connection.connect({ address: this.#server.address }) });
  }

  async stopServer(): Promise<void> {
    await this.#client?.connection.close();
    this.#client = undefined;
    await this.#server?.stop();
    this.#server = undefined;
  }

  async startWorkers(env: Readonly<Record<string, string>> = this.#options.env ?? {}): Promise<void> {
    this.#files = this.#wds(['worker', '--role', 'files'], {});
    this.#alerts = Array.from({ length: this.#options.workers ?? 2 }, () => this.#sender(env));
    await until(async () => (await this.#running()) >= this.#started, 'the workers run');
  }

  async stopWorkers(): Promise<void> {
    const children = [...this.#alerts, ...(this.#files === undefined ? [] : [this.#files])];
    this.#alerts = [];
    this.#files = undefined;
    await Promise.all(children.map((child) => ended(child, 'SIGTERM')));
  }

  /** `wds send`, which submits and follows. Returns when it began; its end is awaited by `sent`. */
  send(file: string): { readonly submittedMs: number; readonly sent: Promise<number> } {
    const child = this.#wds(['send', file, '-o', 'json', ...this.#endpoint()], {});
    this.#sends.push(child);
    return { submittedMs: Date.now(), sent: once(child, 'exit').then(() => Date.now()) };
  }

  /** Interrupts all who follow a delivery; the delivery goes on. */
  async stopFollowing(): Promise<void> {
    await Promise.all(this.#sends.splice(0).map((child) => ended(child, 'SIGKILL')));
  }

  traffic(): Promise<Traffic> {
    return readTraffic(this.#logFile);
  }

  async governor(): Promise<GovernorView | undefined> {
    const { id } = JSON.parse(await readFile(join(this.home, 'store', 'installation.json'), 'utf8')) as { id: string };
    const [name] = await governedEndpoints(this.#client!, id);
    return name === undefined ? undefined : queryGovernor(this.#client!, name);
  }

  /** Events of all histories, those of earlier runs included. */
  async historyEvents(): Promise<number> {
    let events = 0;
    // What the listing says of a running workflow's length is nothing.
    for await (const { workflowId, runId } of this.#client!.workflow.list()) {
      events += (await this.#client!.workflow.getHandle(workflowId, runId).describe()).historyLength;
    }
    return events;
  }

  async close(): Promise<void> {
    clearInterval(this.#trace);
    await this.stopFollowing();
    await this.stopWorkers();
    await this.stopServer();
    await this.#receiver?.stop();
    if (process.env.WDS_RATES_KEEP === undefined) await rm(this.home, { recursive: true, force: true });
    else console.error(`kept: ${this.home}`);
  }

  #sender(env: Readonly<Record<string, string>>): ChildProcess {
    return this.#wds(['worker', '--role', 'alerts', ...this.#endpoint()], env);
  }

  #endpoint(): string[] {
    return ['--url', this.receiver.url, '--rate', String(this.#options.rate)];
  }

  #wds(args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
    const isWorker = args[0] === 'worker';
    const log = openSync(join(this.home, isWorker ? `worker-${this.#started++}.log` : 'send.log'), 'a');
    return spawn(process.execPath, [LAUNCHER, ...args, '--home', join(this.home, 'wds')], {
      cwd: this.home,
      env: { ...process.env, ...env, TEMPORAL_ADDRESS: this.#server!.address },
      stdio: ['ignore', log, log],
    });
  }

  /** Workers that have said that they run, since the beginning. */
  async #running(): Promise<number> {
    const logs = Array.from({ length: this.#started }, (_, index) =>
      readFile(join(this.home, `worker-${index}.log`), 'utf8'),
    );
    return (await Promise.all(logs)).filter((text) => text.includes('is running')).length;
  }

  #startTrace(): void {
    const trace = createWriteStream(join(this.home, 'governor.jsonl'));
    this.#trace = setInterval(() => {
      this.governor().then(
        (view) => trace.write(`${JSON.stringify({ atMs: Date.now(), ...view })}\n`),
        () => undefined,
      );
    }, 1_000);
  }
}

export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  limitMs = READY_LIMIT_MS,
): Promise<void> {
  const deadlineMs = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > deadlineMs) throw new Error(`gave up waiting until ${what}`);
    await sleep(100);
  }
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  const late = setTimeout(() => child.kill('SIGKILL'), 25_000);
  await exited;
  clearTimeout(late);
}
