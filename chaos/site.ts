/**
 * Everything that runs in a round: Temporal's dev server with its database in a file, the receiver, two watchers and two workers of each role,
 * each a process of its own, with a proxy on each connection that is to be disturbed. All on 127.0.0.1.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { answersAt, spawnDevServer } from '../src/dev-server/dev-server-process.ts';
import { freePort } from '../src/dev-server/free-port.ts';
import { findTemporalCli } from '../src/dev-server/temporal-cli.ts';
import { BucketPremises } from './bucket-premises.ts';
import { findFaketime, ProcessTroubles } from './clock-steps.ts';
import { DisturbedLink } from './disturbed-link.ts';
import type { LinkName, ProcessName, RoundPlan, WdsName } from './plan.ts';
import { WDS_PROCESSES } from './plan.ts';
import type { Premises } from './premises.ts';
import { FolderPremises } from './premises.ts';
import type { ReceiverState } from './receiver-mood.ts';
import { writeState } from './receiver-mood.ts';
import type { Ended } from './spawning.ts';
import { compiled, endWithUs, LAUNCHER, plainEnvironment, runCommand, spawnLogged } from './spawning.ts';
import type { Termination } from './supervised.ts';
import { Supervised } from './supervised.ts';

export const ENDPOINT = 'crm';
/** Short, so that a lost request is settled within a round. */
export const TIMEOUT_SECONDS = 3;
/** The name of a namespace by which the server is known to be the one of this round. */
const MARK = 'wds-chaos';
const READY_LIMIT_MS = 180_000;
/** The stated grace is the timeout and 5 s; the rest is for a busy machine. */
export const GRACE_LIMIT_MS = 30_000;

const ARGUMENTS: Readonly<Record<WdsName, readonly string[]>> = {
  'watcher-1': ['watch'],
  'watcher-2': ['watch'],
  'files-1': ['worker', '--role', 'files'],
  'files-2': ['worker', '--role', 'files'],
  'alerts-1': ['worker', '--role', 'alerts'],
  'alerts-2': ['worker', '--role', 'alerts'],
};

export class Site {
  readonly folder: string;
  readonly premises: Premises;
  readonly requestLog: string;
  readonly #plan: RoundPlan;
  readonly #say: (text: string) => void;
  readonly #env = plainEnvironment();
  readonly #processes = new Map<ProcessName, Supervised>();
  readonly #links = new Map<LinkName, DisturbedLink>();
  readonly #troubles = new Map<WdsName, ProcessTroubles>();
  readonly #stateFile: string;
  #state: ReceiverState;
  #serverAddress = '';
  #cli = '';
  #connection: Connection | undefined;

  private constructor(folder: string, premises: Premises, plan: RoundPlan, say: (text: string) => void) {
    this.folder = folder;
    this.premises = premises;
    this.requestLog = join(folder, 'requests.jsonl');
    this.#stateFile = join(folder, 'receiver.json');
    this.#plan = plan;
    this.#say = say;
    for (const name of ['outside', 'logs', 'troubles']) mkdirSync(join(folder, name), { recursive: true });
    this.#state = {
      mood: 'well',
      share: 0,
      latencyMs: plan.receiver.latencyMs,
      limitPerSecond: plan.receiver.limitPerSecond,
      stubborn: true,
      policy: plan.policy,
      timeoutMs: TIMEOUT_SECONDS * 1_000,
    };
  }

  /** `folder` is there and empty. */
  static async open(folder: string, plan: RoundPlan, say: (text: string) => void): Promise<Site> {
    const premises = await (plan.store === 'bucket' ? BucketPremises : FolderPremises).open(folder);
    const site = new Site(folder, premises, plan, say);
    try {
      await site.#start();
      return site;
    } catch (error) {
      await site.close(undefined);
      throw error;
    }
  }

  async #start(): Promise<void> {
    await this.#startServer();
    const receiverPort = await this.#startReceiver();
    this.#links.set('receiver', await DisturbedLink.open(receiverPort));
    this.#configure();
    const faketime = findFaketime();
    for (const name of WDS_PROCESSES) {
      const link = await DisturbedLink.open(Number(this.#serverAddress.split(':')[1]));
      this.#links.set(name, link);
      const troubles = new ProcessTroubles(join(this.folder, 'troubles'), name, faketime);
      this.#troubles.set(name, troubles);
      const command = this.#wdsCommand(ARGUMENTS[name], name);
      const env = { ...command.env, ...troubles.env, TEMPORAL_ADDRESS: `127.0.0.1:${link.port}` };
      await this.#supervise(name, () => spawnLogged({ ...command, env }, this.#logOf(name)));
    }
    await this.#until('all of wds is up', () =>
      WDS_PROCESSES.every((name) => /Watching |is running/.test(readFileSync(this.#logOf(name), 'utf8'))),
    );
    this.#connection = Connection.lazy({ address: this.#serverAddress });
  }

  async #startServer(): Promise<void> {
    this.#cli = (await findTemporalCli({ say: this.#say })).path;
    const port = await freePort(0);
    const uiPort = await freePort(0, [port]);
    this.#serverAddress = `127.0.0.1:${port}`;
    const place = { executable: this.#cli, port, uiPort, databaseFile: join(this.folder, 'temporal.db'), mark: MARK };
    const log = this.#logOf('server');
    await this.#supervise('server', async () => endWithUs(await spawnDevServer(place, { durable: false }, log)));
    await this.#until('Temporal answers', () => answersAt(this.#serverAddress, MARK));
  }

  async #startReceiver(): Promise<number> {
    writeState(this.#stateFile, this.#state);
    const port = await freePort(0);
    const args = [compiled('receiver-process.js'), `${port}`, this.#stateFile, this.requestLog];
    const command = { command: process.execPath, args, cwd: this.folder, env: this.#env };
    await this.#supervise('receiver', () => spawnLogged(command, this.#logOf('receiver')));
    await this.#until('the receiver listens', () =>
      readFileSync(this.#logOf('receiver'), 'utf8').includes('listening'),
    );
    return port;
  }

  /** JSON is YAML. */
  #configure(): void {
    const { policy, rate, settings } = this.#plan;
    const { maxConnections, maximumAttempts, maxStubborn, maxHistoryEvents, batchSize } = settings;
    const retry = { initialSeconds: 0.3, maximumSeconds: 3, maximumAttempts };
    const endpoint = {
      ...{ name: ENDPOINT, url: `http://127.0.0.1:${this.link('receiver').port}/hook`, rate, ambiguous: policy },
      ...{ timeoutSeconds: TIMEOUT_SECONDS, maxConnections, maxRetryAfterSeconds: 5, retry },
    };
    const delivery = { maxStubborn, maxHistoryEvents, ...(batchSize === undefined ? {} : { batchSize }) };
    const intake = { settleSeconds: 0.2, blindSettleSeconds: 1, scanIntervalSeconds: 1 };
    const configuration = { ...this.premises.configuration, endpoint, delivery, intake };
    writeFileSync(join(this.folder, 'wds.config.yaml'), JSON.stringify(configuration, null, 2));
  }

  async #supervise(name: ProcessName, spawn: ConstructorParameters<typeof Supervised>[1]): Promise<void> {
    const supervised = new Supervised(name, spawn, this.#say);
    this.#processes.set(name, supervised);
    await supervised.start();
  }

  #logOf(name: ProcessName): string {
    return join(this.folder, 'logs', `${name}.log`);
  }

  /** `of`: the process that it becomes; undefined: an operator's command. */
  #wdsCommand(args: readonly string[], of?: WdsName) {
    const env = { ...this.#env, ...this.premises.environment(of), TEMPORAL_ADDRESS: this.#serverAddress };
    return { command: process.execPath, args: [LAUNCHER, ...args], cwd: this.folder, env };
  }

  async #until(what: string, reached: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + READY_LIMIT_MS;
    while (!(await reached())) {
      if (performance.now() > deadline) throw new Error(`not within ${READY_LIMIT_MS / 1_000} s: ${what}`);
      await sleep(50);
    }
  }

  process(name: ProcessName): Supervised {
    return this.#processes.get(name)!;
  }

  link(name: LinkName): DisturbedLink {
    return this.#links.get(name)!;
  }

  troubles(name: WdsName): ProcessTroubles {
    return this.#troubles.get(name)!;
  }

  get temporal(): Client {
    return new Client({ connection: this.#connection! });
  }

  /** Any part of how the receiver answers; it takes a twentieth of a second. */
  receive(change: Partial<ReceiverState>): void {
    this.#state = { ...this.#state, ...change };
    writeState(this.#stateFile, this.#state);
  }

  fillDisk(full: boolean): void {
    const { disk } = this.premises;
    if (disk === undefined) return;
    if (full) disk.fill();
    else disk.empty();
    if (disk.mounted) return;
    for (const troubles of this.#troubles.values()) troubles.fillDisk(full ? disk.folder : undefined);
  }

  /** A command of wds as an operator gives it, beside all proxies. */
  wds(args: readonly string[], limitMs: number): Promise<Ended> {
    return runCommand(this.#wdsCommand(args), limitMs);
  }

  temporalCli(args: readonly string[], limitMs: number): Promise<Ended> {
    const command = { command: this.#cli, args: [...args, '--address', this.#serverAddress], cwd: this.folder };
    return runCommand({ ...command, env: this.#env }, limitMs);
  }

  /** Nothing is disturbed any more; what was killed comes back by itself. */
  calm(): void {
    for (const supervised of this.#processes.values()) supervised.continue();
    for (const link of this.#links.values()) {
      link.refuse(false);
      link.stall(false);
    }
    for (const troubles of this.#troubles.values()) troubles.stepClock(0);
    this.fillDisk(false);
    this.premises.disturbStore(undefined, 0);
    this.receive({ mood: 'well', share: 0, stubborn: false });
  }

  /** Ends all, wds first, and tells how its processes ended. `keptIn`: where the home is copied to, if it would be gone. */
  async close(keptIn: string | undefined): Promise<Termination[]> {
    const ended: Termination[] = [];
    const close = async (name: ProcessName): Promise<void> => {
      const termination = await this.#processes.get(name)?.close(GRACE_LIMIT_MS);
      if (termination !== undefined) ended.push(termination);
    };
    await Promise.all(WDS_PROCESSES.map(close));
    await this.#connection?.close();
    await close('receiver');
    await close('server');
    for (const link of this.#links.values()) await link.close();
    await this.premises.close(keptIn);
    return ended;
  }
}
