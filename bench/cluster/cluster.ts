/**
 * A cluster on one machine: Temporal on PostgreSQL, a receiver, and hosts that deliver, each a host of its own (hosts.ts). What the
 * delivering ones have in common is what a shared file system would give them: store, reports and inbox.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from '../rates-system.ts';
import type { Remote } from './hosts.ts';
import { end, Host } from './hosts.ts';
import { Temporal } from './temporal.ts';

/** Of the build that runs this. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const LAUNCHER = join(ROOT, 'bin/wds.mjs');
const SHARED = ['store', 'reports', 'inbox'] as const;
const [TEMPORAL_NUMBER, RECEIVER_NUMBER, FIRST_HOST_NUMBER] = [2, 3, 11] as const;

export interface ClusterOptions {
  /** Flags of the receiver. */
  readonly receiver: readonly string[];
  /** Settings of the endpoint beside its name and URL. */
  readonly endpoint: Readonly<Record<string, unknown>>;
}

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Cluster {
  readonly folder: string;
  readonly receiverLog: string;
  readonly #options: ClusterOptions;
  #temporal: Temporal | undefined;
  #receiver: Host | undefined;
  #started = 0;
  readonly #running: Remote[] = [];

  private constructor(options: ClusterOptions) {
    this.folder = mkdtempSync(join(tmpdir(), 'wds-cluster-'));
    // PostgreSQL's user has to pass through.
    chmodSync(this.folder, 0o755);
    mkdirSync(join(this.folder, 'logs'));
    // In memory: a receiver that waits for the disk meets all at once what was sent meanwhile.
    const memory = join(this.folder, 'memory');
    mkdirSync(memory);
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', memory]);
    this.receiverLog = join(memory, 'receiver.log');
    this.#options = options;
  }

  static async start(options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster(options);
    const receiver = await Host.boot('receiver', RECEIVER_NUMBER);
    cluster.#receiver = receiver;
    const address = ['--host', receiver.address('world'), '--port', '8080', '--log', cluster.receiverLog];
    const log = cluster.logFile('receiver');
    const main = join(ROOT, 'dist/src/receiver/main.js');
    await receiver.start({ args: [process.execPath, main, ...address, ...options.receiver], log });
    await until(() => readFileSync(log, 'utf8').includes('http'), 'the receiver runs');
    cluster.#temporal = await Temporal.start(
      await Host.boot('temporal', TEMPORAL_NUMBER),
      join(cluster.folder, 'temporal'),
    );
    return cluster;
  }

  get temporal(): Temporal {
    return this.#temporal!;
  }

  logFile(name: string): string {
    return join(this.folder, 'logs', `${name}.log`);
  }

  /** `share`: the folder that stands for the shared file system; another one is another installation. */
  async boot(
    number: number,
    settings: { readonly share?: string; readonly endpoint?: object } = {},
  ): Promise<DeliveringHost> {
    const { share = 'shared', endpoint = {} } = settings;
    const host = await Host.boot(`host-${number}`, FIRST_HOST_NUMBER + number);
    const place = join(this.folder, host.name);
    for (const name of SHARED) {
      for (const folder of [join(this.folder, share, name), join(place, name)]) mkdirSync(folder, { recursive: true });
      host.mount(join(this.folder, share, name), join(place, name));
    }
    const url = `http://${this.#receiver!.address('world')}:8080/`;
    const config = {
      ...{ home: place, inbox: join(place, 'inbox') },
      endpoint: { name: 'crm', url, ambiguous: 'hold', ...this.#options.endpoint, ...endpoint },
    };
    writeFileSync(join(place, 'wds.config.yaml'), JSON.stringify(config));
    return new DeliveringHost(this, host, place, join(this.folder, share));
  }

  /** Its output is in the log of that name, with a number that rises. */
  async start(
    host: Host,
    name: string,
    command: { args: [string, ...string[]]; cwd: string; env: Record<string, string> },
  ): Promise<WdsProcess> {
    const log = this.logFile(`${host.name}-${name}-${++this.#started}`);
    const remote = await host.start({ ...command, log });
    this.#running.push(remote);
    return { ...remote, log };
  }

  async close(): Promise<void> {
    await Promise.all(this.#running.map((remote) => end(remote)));
    await this.#temporal?.kill();
    await this.#receiver?.kill();
    if (process.env.WDS_CLUSTER_KEEP === undefined) {
      execFileSync('umount', [dirname(this.receiverLog)]);
      rmSync(this.folder, { recursive: true, force: true });
    } else {
      copyFileSync(this.receiverLog, this.logFile('requests'));
      console.error(`kept: ${this.folder}`);
    }
  }
}

export interface WdsProcess extends Remote {
  readonly log: string;
}

/** What a process has warned of, each once. */
export function warningsOf({ log }: WdsProcess): string {
  const lines = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{'));
  const entries = lines.map(
    (line) => JSON.parse(line) as { readonly level: number | string; readonly event?: string; readonly msg: string },
  );
  return [
    ...new Set(
      entries.filter(({ level }) => level !== 'info' && level !== 30).map(({ event, msg }) => `${event}: ${msg}`),
    ),
  ].join(', ');
}

/** A host with wds on it. */
export class DeliveringHost {
  readonly host: Host;
  /** Its home. */
  readonly place: string;
  /** The shared file system, as its server has it. */
  readonly share: string;
  readonly #cluster: Cluster;

  constructor(cluster: Cluster, host: Host, place: string, share: string) {
    this.#cluster = cluster;
    this.host = host;
    this.place = place;
    this.share = share;
  }

  /** `checkout`: the build of another version; left out: this one. */
  async start(
    args: readonly [string, ...string[]],
    env: Readonly<Record<string, string>> = {},
    checkout = ROOT,
  ): Promise<WdsProcess> {
    return await this.#cluster.start(this.host, args.slice(0, 3).join('').replaceAll('-', ''), {
      args: [process.execPath, join(checkout, 'bin/wds.mjs'), ...args],
      cwd: this.place,
      env: this.#env(env),
    });
  }

  /** Resolves when it says that it runs. */
  async serve(
    args: readonly [string, ...string[]],
    env: Readonly<Record<string, string>> = {},
    checkout = ROOT,
  ): Promise<WdsProcess> {
    const started = await this.start(args, env, checkout);
    await until(
      () => /is running|Watching/.test(readFileSync(started.log, 'utf8')),
      `wds ${args.join(' ')} runs: ${started.log}`,
    );
    return started;
  }

  /** A command that ends by itself. */
  async run(...args: readonly [string, ...string[]]): Promise<Ran> {
    const { child } = await this.host.start({
      args: [process.execPath, LAUNCHER, ...args],
      cwd: this.place,
      env: this.#env({}),
    });
    const texts = ['', ''] as [string, string];
    child.stdout?.on('data', (data: Buffer) => (texts[0] += data));
    child.stderr?.on('data', (data: Buffer) => (texts[1] += data));
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, stdout: texts[0], stderr: texts[1] };
  }

  mountShared(what: (typeof SHARED)[number], isThere: boolean): void {
    const at = join(this.place, what);
    if (isThere) this.host.mount(join(this.share, what), at);
    else this.host.unmount(at);
  }

  #env(more: Readonly<Record<string, string>>): Record<string, string> {
    return { TEMPORAL_ADDRESS: this.#cluster.temporal.address, TEMPORAL_NAMESPACE: 'default', ...more };
  }
}
