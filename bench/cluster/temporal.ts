/**
 * Temporal's server on PostgreSQL, as a cluster has it (the dev server is another program, on SQLite). Both are processes of one host,
 * and can be killed and started again with what is on their disk.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { until } from '../rates-system.ts';
import type { Host, Remote } from './hosts.ts';
import { end } from './hosts.ts';

const VERSION = '1.32.1';
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'wds', `temporal-server-${VERSION}`);
const DATABASES = { temporal: 'temporal', temporal_visibility: 'visibility' } as const;
const NAMESPACE = 'default';
/** As deploy/temporal has it, and eager activities, which some clusters have switched on: they bypass limits of task queues. */
const DYNAMIC = ['matching.useNewMatcher', 'matching.enableFairness', 'system.enableActivityEagerExecution'];

/** Builds what is not in the cache, in minutes; has to be called where there is a network. */
export function buildTemporal(): void {
  postgresFolder();
  if (['server', 'sql'].every((name) => existsSync(join(CACHE, name)))) return;
  console.error(`cluster: building Temporal server ${VERSION} (minutes) …`);
  const modules = ['cmd/server', 'cmd/tools/sql'].map((name) => `go.temporal.io/server/${name}@v${VERSION}`);
  execFileSync('go', ['install', ...modules], { stdio: 'inherit', env: { ...process.env, GOBIN: CACHE } });
}

/** Debian's packages put the server's programs beside each other, off the PATH. */
function postgresFolder(): string {
  const found = execFileSync('sh', [
    '-c',
    'ls -d /usr/lib/postgresql/*/bin 2>/dev/null || dirname "$(command -v initdb)"',
  ]);
  const folder = found.toString().trim().split('\n').at(-1) ?? '';
  if (!existsSync(join(folder, 'initdb'))) throw new Error('PostgreSQL is not here: apt-get install postgresql');
  return folder;
}

export class Temporal {
  readonly address: string;
  readonly #host: Host;
  readonly #folder: string;
  #postgres: Remote | undefined;
  #server: Remote | undefined;

  private constructor(host: Host, folder: string) {
    this.#host = host;
    this.#folder = folder;
    this.address = `${host.address('service')}:7233`;
  }

  static async start(host: Host, folder: string): Promise<Temporal> {
    const temporal = new Temporal(host, folder);
    mkdirSync(folder, { recursive: true });
    execFileSync('chown', ['postgres', folder]);
    host.run([...asPostgres('initdb'), '--auth=trust', '--username=temporal', '-D', join(folder, 'data')]);
    await temporal.startPostgres();
    for (const [database, schema] of Object.entries(DATABASES)) {
      const tool = (...args: readonly string[]): string =>
        host.run([
          join(CACHE, 'sql'),
          ...['--plugin', 'postgres12', '--endpoint', '127.0.0.1', '--port', '5432'],
          ...['--user', 'temporal', '--database', database, ...args],
        ]);
      if (database !== 'temporal') tool('create');
      else host.run([join(postgresFolder(), 'createdb'), '-h', '127.0.0.1', '-U', 'temporal', database]);
      tool('setup-schema', '--version', '0.0');
      tool('update-schema', '--schema-name', `postgresql/v12/${schema}`);
    }
    const settings = DYNAMIC.map((name) => `${name}:\n  - value: true\n`).join('');
    writeFileSync(join(folder, 'dynamic.yaml'), settings);
    await temporal.startServer();
    await temporal.#makeNamespace();
    return temporal;
  }

  async startPostgres(): Promise<void> {
    const args = ['-D', join(this.#folder, 'data'), '-h', '127.0.0.1', '-c', 'unix_socket_directories='] as const;
    this.#postgres = await this.#host.start({ args: [...asPostgres('postgres'), ...args], log: this.#log('postgres') });
    await until(() => {
      try {
        this.#host.run([join(postgresFolder(), 'pg_isready'), '-q', '-h', '127.0.0.1', '-U', 'temporal']);
        return true;
      } catch {
        return false;
      }
    }, 'PostgreSQL answers');
  }

  async startServer(): Promise<void> {
    const args = [join(CACHE, 'server'), 'start'] as const;
    const env = {
      ...{
        DB: 'postgres12',
        DB_PORT: '5432',
        POSTGRES_SEEDS: '127.0.0.1',
        POSTGRES_USER: 'temporal',
        POSTGRES_PWD: 'x',
      },
      ...{ BIND_ON_IP: this.#host.address('service'), LOG_LEVEL: 'warn', NUM_HISTORY_SHARDS: '4' },
      ...{ DYNAMIC_CONFIG_FILE_PATH: join(this.#folder, 'dynamic.yaml') },
    };
    this.#server = await this.#host.start({ args, env, log: this.#log('server') });
    await until(() => this.#answers(), 'Temporal answers', 120_000);
  }

  async client(): Promise<Client> {
    return new Client({ connection: await Connection.connect({ address: this.address }), namespace: NAMESPACE });
  }

  /** `kill -9`, of the server first. */
  async kill(): Promise<void> {
    if (this.#server !== undefined) await end(this.#server, 'SIGKILL');
    // Its own way to end at once, its children with it: a killed one leaves them to be found by the next.
    if (this.#postgres !== undefined) await end(this.#postgres, 'SIGQUIT');
  }

  async #answers(): Promise<boolean> {
    try {
      const connection = await Connection.connect({ address: this.address, connectTimeout: '2s' });
      await connection.close();
      return true;
    } catch {
      return false;
    }
  }

  async #makeNamespace(): Promise<void> {
    const { connection, workflow } = await this.client();
    const request = { namespace: NAMESPACE, workflowExecutionRetentionPeriod: { seconds: 86_400 as never } };
    await until(async () => {
      try {
        await connection.workflowService.registerNamespace(request);
        return true;
      } catch {
        return false;
      }
    }, 'the namespace is made');
    // Until the server has read its own list of namespaces anew.
    await until(
      async () =>
        workflow.count().then(
          () => true,
          () => false,
        ),
      'the namespace can be used',
    );
    await connection.close();
  }

  #log(name: string): string {
    return join(dirname(this.#folder), 'logs', `${name}.log`);
  }
}

/** It refuses to run as root. */
const asPostgres = (program: string): [string, ...string[]] => [
  ...(['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] as [string, ...string[]]),
  join(postgresFolder(), program),
];
