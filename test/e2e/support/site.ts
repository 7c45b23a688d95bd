/**
 * An installation of wds for one test: a folder with configuration, inbox and home, a Temporal namespace of its own on the shared dev
 * server, a receiver, and all processes that the test starts. Nothing outlives `close`.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Client } from '@temporalio/client';
import { parse } from 'csv-parse/sync';
import type { FileResult } from '../../../src/app/app.ts';
import type { TemporalConnection } from '../../../src/temporal/connection.ts';
import { connectToTestServer, temporalAddress } from '../../support/dev-server.ts';
import { TestReceiver } from './test-receiver.ts';
import { until } from './waiting.ts';
import type { Ended, ProcessPlace } from './wds-process.ts';
import { WdsProcess } from './wds-process.ts';

export type ReportRow = Readonly<Record<string, string>>;

export class Site {
  readonly folder: string;
  readonly home: string;
  readonly inbox: string;
  readonly namespace: string;
  readonly client: Client;
  readonly #connection: TemporalConnection;
  readonly #processes: WdsProcess[] = [];
  #env: Readonly<Record<string, string>>;
  #receiver: TestReceiver | undefined;

  private constructor(folder: string, namespace: string, connection: TemporalConnection) {
    this.folder = folder;
    this.home = join(folder, '.wds');
    this.inbox = join(folder, 'inbox');
    this.namespace = namespace;
    this.#connection = connection;
    this.client = new Client({ connection: connection.connection, namespace });
    this.#env = { ...plainEnvironment(), TEMPORAL_ADDRESS: temporalAddress(), TEMPORAL_NAMESPACE: namespace };
  }

  static async open(): Promise<Site> {
    const folder = await mkdtemp(join(tmpdir(), 'wds-e2e-'));
    await mkdir(join(folder, 'inbox'));
    const namespace = `e2e-${randomUUID().slice(0, 8)}`;
    const connection = await connectToTestServer();
    await connection.connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
    });
    const site = new Site(folder, namespace, connection);
    await until('the namespace can be used', () =>
      site.client.workflow.count().then(
        () => true,
        () => false,
      ),
    );
    return site;
  }

  get receiver(): TestReceiver {
    if (this.#receiver === undefined) throw new Error('this test has started no receiver');
    return this.#receiver;
  }

  /** What the processes started from here on get. */
  get env(): Record<string, string> {
    return { ...this.#env };
  }

  get #place(): ProcessPlace {
    return { cwd: this.folder, env: this.#env };
  }

  /** The identity of its store, once a process has been started. */
  async installation(): Promise<string> {
    const path = join(this.home, 'store', 'installation.json');
    return until('the store has an identity', () =>
      readFile(path, 'utf8').then(
        (text) => (JSON.parse(text) as { id: string }).id,
        () => undefined,
      ),
    );
  }

  /** For the processes started from here on; undefined takes a variable away. */
  setEnv(variables: Readonly<Record<string, string | undefined>>): void {
    const merged = Object.entries({ ...this.#env, ...variables });
    this.#env = Object.fromEntries(merged.filter((entry): entry is [string, string] => entry[1] !== undefined));
  }

  /** Starts the receiver, and writes the configuration of an endpoint for it. `endpoint` and `settings` add to that. */
  async receive(flags: readonly string[] = [], endpoint: object = {}, settings: object = {}): Promise<TestReceiver> {
    const receiver = await this.receiveAt(0, flags);
    await this.configure(receiver.url, endpoint, settings);
    return receiver;
  }

  /** Starts the receiver, or another one that goes on with its log. */
  async receiveAt(port: number, flags: readonly string[] = []): Promise<TestReceiver> {
    this.#receiver = await TestReceiver.start(this.#place, port, flags);
    this.#processes.push(this.#receiver.process);
    return this.#receiver;
  }

  /** JSON is YAML. */
  async configure(url: string, endpoint: object = {}, settings: object = {}): Promise<void> {
    const stated = { name: 'crm', url, rate: 'unlimited', ...endpoint };
    const text = JSON.stringify({ endpoint: stated, ...settings }, null, 2);
    await writeFile(join(this.folder, 'wds.config.yaml'), text);
  }

  /** Writes a file into the site's folder, beside the inbox, and returns its path. */
  async write(name: string, content: string | Uint8Array): Promise<string> {
    const path = join(this.folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    return path;
  }

  /** As an uploader should: complete at once under its name. */
  async drop(name: string, content: string | Uint8Array): Promise<void> {
    await rename(await this.write(`outside/${name}`, content), join(this.inbox, name));
  }

  /** A process that goes on. */
  start(...args: string[]): WdsProcess {
    const started = new WdsProcess(args, this.#place);
    this.#processes.push(started);
    return started;
  }

  /** A command that ends by itself. */
  async wds(...args: string[]): Promise<Ended> {
    return this.start(...args).end();
  }

  async worker(role: 'files' | 'alerts' | 'all' = 'all'): Promise<WdsProcess> {
    const worker = this.start('worker', '--role', role);
    await worker.says(`Worker (${role}) is running`);
    return worker;
  }

  async watcher(): Promise<WdsProcess> {
    const watcher = this.start('watch');
    await watcher.says('Watching ');
    return watcher;
  }

  /** `wds send -o json`, or another command that prints a FileResult. */
  async send(file: string, ...flags: string[]): Promise<Ended & { readonly result: FileResult }> {
    return withResult(await this.wds('send', file, '-o', 'json', ...flags));
  }

  async retry(file: string, ...flags: string[]): Promise<Ended & { readonly result: FileResult }> {
    return withResult(await this.wds('retry', file, '-o', 'json', ...flags));
  }

  /** The rows of one of a file's reports, by the names of its columns. */
  async report({ reportDir }: Pick<FileResult, 'reportDir'>, name: string): Promise<ReportRow[]> {
    return parse(await readFile(join(reportDir, name)), { columns: true });
  }

  async close(): Promise<void> {
    await Promise.all(this.#processes.map((one) => one.destroy()));
    await this.#connection.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** What the processes said, for a test that failed. */
  said(): string {
    const tail = (one: WdsProcess): string => `--- ${one.name} (${basename(this.folder)})\n${one.stderr.slice(-3_000)}`;
    return this.#processes.map(tail).join('\n');
  }
}

function withResult(ended: Ended): Ended & { readonly result: FileResult } {
  try {
    return { ...ended, result: JSON.parse(ended.stdout) as FileResult };
  } catch {
    throw new Error(`no JSON on stdout, exit code ${ended.code}; stderr:\n${ended.stderr}`);
  }
}

/** Without what the machine that runs the tests may have set for wds or Temporal. */
function plainEnvironment(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name]) => !/^(WDS|TEMPORAL)_/.test(name));
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}
