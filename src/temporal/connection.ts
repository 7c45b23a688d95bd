/**
 * Connections to the Temporal service that the settings name: flag before environment before TOML profile, by the rules of
 * `@temporalio/envconfig` (TEMPORAL_ADDRESS, _NAMESPACE, _API_KEY, _TLS*, _PROFILE, _CONFIG_FILE). What cannot be reached within ten
 * seconds, or refuses to be connected to twice in half a second, is a Fault that names the address.
 */
import type { ConnectionOptions } from '@temporalio/client';
import { Client, Connection } from '@temporalio/client';
import type { ClientConfigProfile } from '@temporalio/envconfig';
import { loadClientConfigProfile, toClientOptions } from '@temporalio/envconfig';
import type { NativeConnection, NativeConnectionOptions } from '@temporalio/worker';

import type { TemporalFlags } from '../config/settings.ts';
import { Fault } from '../domain/failure.ts';
import { reasonOf } from '../thrown.ts';
import type { CallLimits } from './call-limits.ts';
import { callLimits } from './call-limits.ts';
import { isThisHost } from './press.ts';
import { refusal } from './refusal.ts';
import { RenewableConnection } from './renewable-connection.ts';

const CONNECT_LIMIT_MS = 10_000;
/** As gRPC reads them. */
const PROXY_VARIABLES = ['grpc_proxy', 'https_proxy', 'http_proxy'];
const DEFAULT_ADDRESS = 'localhost:7233';
const DEFAULT_NAMESPACE = 'default';

/** Where the service is and how to speak to it. Made once, by `temporalTarget` or `devServerTarget`. */
export interface TemporalTarget {
  readonly address: string;
  readonly namespace: string;
  /** Address, TLS, API key, metadata: the part that both kinds of connection take. */
  readonly connectionOptions: NativeConnectionOptions;
  /** The Web UI, where wds knows it: of its own dev server. */
  readonly uiUrl?: string;
}

export interface TemporalConnection {
  readonly client: Client;
  readonly connection: Connection;
  readonly address: string;
  readonly namespace: string;
  readonly uiUrl?: string;
  /** Connects anew, and has `connection` and `client` go on by that. Throws Fault `temporal_unreachable`, and then nothing has changed. */
  renew(target: TemporalTarget): Promise<void>;
  close(): Promise<void>;
}

/**
 * Undefined when no setting names a service: then wds runs its own dev server. An address, a namespace, an API key or TLS settings
 * name one, wherever they come from. Throws Fault `config` for settings that cannot be read.
 */
export function temporalTarget(
  flags: TemporalFlags = {},
  env: NodeJS.ProcessEnv = process.env,
): TemporalTarget | undefined {
  const loaded = reading(() => toClientOptions(profileOf(flags, env)));
  const { apiKey, tls } = loaded.connectionOptions;
  const address = flags.address ?? loaded.connectionOptions.address;
  const namespace = flags.namespace ?? loaded.namespace;
  if (address === undefined && namespace === undefined && apiKey === undefined && tls === undefined) return undefined;
  const target = address ?? DEFAULT_ADDRESS;
  return {
    address: target,
    namespace: namespace ?? DEFAULT_NAMESPACE,
    connectionOptions: { ...withoutUndefined(loaded.connectionOptions), address: target },
  };
}

/** Those that a certificate, a key or an authority is read from. Throws Fault `config`. */
export function certificateFiles(flags: TemporalFlags, env: NodeJS.ProcessEnv): string[] {
  const { tls } = reading(() => profileOf(flags, env));
  return [tls?.clientCert, tls?.clientKey, tls?.serverCACert].flatMap((source) =>
    source !== undefined && 'path' in source ? [source.path] : [],
  );
}

/** The target of a dev server that wds runs: no TLS, no key. */
export function devServerTarget({ address, uiUrl }: { address: string; uiUrl?: string }): TemporalTarget {
  return {
    address,
    namespace: DEFAULT_NAMESPACE,
    connectionOptions: { address },
    ...(uiUrl === undefined ? {} : { uiUrl }),
  };
}

/** For clients: no call of theirs waits for long (call-limits.ts). Throws Fault `temporal_unreachable`. */
export async function connect(
  target: TemporalTarget,
  limitMs = CONNECT_LIMIT_MS,
  limits?: CallLimits,
): Promise<TemporalConnection> {
  const { address, namespace, uiUrl } = target;
  const interceptors = callLimits(limits);
  const open = (to: TemporalTarget): Promise<Connection> =>
    reaching(to, () => connectUnlessRefused(to, { connectTimeout: limitMs, interceptors }));
  const renewable = new RenewableConnection(await open(target));
  const { connection } = renewable;
  return {
    client: new Client({ connection, namespace }),
    connection,
    address,
    namespace,
    ...(uiUrl === undefined ? {} : { uiUrl }),
    renew: async (to) => renewable.replace(await open(to)),
    close: () => renewable.close(),
  };
}

/** For workers. The caller closes it, after its workers have ended. Throws Fault `temporal_unreachable`. */
export async function connectNative(target: TemporalTarget, limitMs = CONNECT_LIMIT_MS): Promise<NativeConnection> {
  const { NativeConnection } = await import('@temporalio/worker');
  return await reaching(target, () => withLimit(NativeConnection.connect(target.connectionOptions), limitMs));
}

function profileOf({ profile }: TemporalFlags, env: NodeJS.ProcessEnv): ClientConfigProfile {
  return loadClientConfigProfile({
    ...(profile === undefined ? {} : { profile }),
    overrideEnvVars: Object.fromEntries(
      Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ),
  });
}

function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Fault(
      'config',
      `Temporal's settings cannot be used: ${(error as Error).message}`,
      'Check the TEMPORAL_* environment variables and the file that TEMPORAL_CONFIG_FILE names.',
      { cause: error },
    );
  }
}

async function reaching<T>({ address, namespace }: TemporalTarget, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    throw new Fault(
      'temporal_unreachable',
      `Cannot reach Temporal at ${address} (namespace ${namespace}): ${reasonOf(error)}`,
      'Check that the service runs, and TEMPORAL_ADDRESS, TLS and API key. With none of them set, wds brings up its own dev server.',
      { cause: error },
    );
  }
}

async function connectUnlessRefused(
  { address, connectionOptions }: TemporalTarget,
  own: Pick<ConnectionOptions, 'connectTimeout' | 'interceptors'>,
): Promise<Connection> {
  const connecting = Connection.connect({ ...connectionOptions, ...own });
  // What a proxy reaches for gRPC may be out of our own reach.
  if (!isThisHost(address) && PROXY_VARIABLES.some((name) => process.env[name])) return connecting;
  const done = new AbortController();
  let refused = false;
  const refusing = refusal(address, done.signal).catch((error: unknown) => {
    refused = true;
    throw error;
  });
  connecting.then(
    (connection) => (refused ? connection.close() : undefined),
    () => undefined,
  );
  try {
    return await Promise.race([connecting, refusing]);
  } finally {
    done.abort();
    refusing.catch(() => undefined);
  }
}

/** The SDK's native connection has no timeout of its own. A connection that comes too late is closed. */
async function withLimit(connecting: Promise<NativeConnection>, limitMs: number): Promise<NativeConnection> {
  let timer: NodeJS.Timeout | undefined;
  let late = false;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      late = true;
      reject(new Error(`no answer within ${limitMs / 1000} s`));
    }, limitMs);
  });
  connecting.then(
    (connection) => (late ? connection.close() : undefined),
    () => undefined,
  );
  try {
    return await Promise.race([connecting, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Only what is set: an undefined key would count as given. */
function withoutUndefined(options: NativeConnectionOptions): NativeConnectionOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
