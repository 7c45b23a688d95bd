/** From the settings of endpoints with defaults to endpoints as the rest of wds sees them. */
import { bodyTemplate } from '../domain/body/template.ts';
import type { Endpoint, EndpointCredentials } from '../domain/endpoint.ts';
import { rateOf, windowOf } from '../domain/endpoint.ts';
import type { WaysContext } from './compile-ways.ts';
import { compileWays, readClientSecret } from './compile-ways.ts';
import type { EndpointWithDefaults, SettingsWithDefaults } from './defaults.ts';
import { endpointNameOf } from './endpoint-url.ts';
import type { ConfigFault } from './faults.ts';
import { configFault, wrongValue } from './faults.ts';
import { readHeaders, readSecrets } from './secrets.ts';
import { defaultMaxConnections } from './settings.ts';
import type { Environment } from './sources.ts';

type EndpointContext = WaysContext;

const seconds = (value: number): number => Math.round(value * 1_000);

/** `key`: where it stands, `endpoint` or `endpoints.crm`. */
async function compileEndpoint(
  stated: EndpointWithDefaults,
  key: string,
  context: EndpointContext,
): Promise<Endpoint | undefined> {
  const { collect, env } = context;
  if (stated.retry.maximumSeconds < stated.retry.initialSeconds) {
    collect({
      key: `${key}.retry.maximumSeconds`,
      problem: wrongValue(
        String(stated.retry.maximumSeconds),
        `at least ${key}.retry.initialSeconds (${stated.retry.initialSeconds})`,
      ),
    });
  }
  const credentials = await readCredentials(stated, key, env, collect);
  const ways = await compileWays(stated, key, context);
  if (stated.url === undefined) {
    collect({ key: `${key}.url`, problem: 'missing; expected the URL that the other endpoint settings are for' });
    return undefined;
  }
  const url = new URL(stated.url).href;
  const rate = rateOf(`${stated.rate ?? 'auto'}`) ?? 'auto';
  return {
    name: stated.name ?? endpointNameOf(url),
    url,
    rate,
    burst: stated.burst,
    ...shapeOf(stated),
    ambiguous: stated.ambiguous,
    maximumUnanswered: stated.maximumUnanswered,
    ...successOf(stated),
    ...(stated.rateHeaders === undefined ? {} : { rateHeaders: stated.rateHeaders }),
    ...(stated.probeUrl === undefined ? {} : { probeUrl: new URL(stated.probeUrl).href }),
    timeoutMs: seconds(stated.timeoutSeconds),
    maxConnections: stated.maxConnections ?? defaultMaxConnections(rate),
    idempotencyKey: stated.idempotencyKey,
    ...credentials,
    maxRetryAfterMs: seconds(stated.maxRetryAfterSeconds),
    ...credentialFilesOf(stated, key, env),
    ...ways,
    ...bodyOf(stated.body),
    ...(stated.contentType === undefined ? {} : { contentType: stated.contentType }),
    retry: {
      initialIntervalMs: seconds(stated.retry.initialSeconds),
      maximumIntervalMs: seconds(stated.retry.maximumSeconds),
      maximumAttempts: stated.retry.maximumAttempts,
      giveUpAfterMs: seconds(stated.retry.giveUpAfterHours * 3_600),
    },
  };
}

async function readCredentials(
  stated: EndpointWithDefaults,
  key: string,
  env: Environment,
  collect: (fault: ConfigFault) => void,
): Promise<Pick<Endpoint, 'secrets' | 'headers'>> {
  const secrets = await readSecrets(stated, key, env, collect);
  return { secrets, headers: await readHeaders(stated, key, env, collect) };
}

/** Nothing where none is from a file: the environment of a process does not change. */
function credentialFilesOf(
  stated: EndpointWithDefaults,
  key: string,
  env: Environment,
): Pick<Endpoint, 'credentialFiles'> {
  const ofHeaders = Object.values(stated.headers ?? {}).flatMap((value) =>
    typeof value === 'object' && 'file' in value ? [value.file] : [],
  );
  const { oauth2 } = stated;
  const paths = [...[stated.secretFile ?? []].flat(), ...ofHeaders, ...[oauth2?.clientSecretFile ?? []].flat()];
  if (paths.length === 0) return {};
  const read = async (): Promise<EndpointCredentials> => {
    const faults: ConfigFault[] = [];
    const collect = (fault: ConfigFault): number => faults.push(fault);
    const credentials = await readCredentials(stated, key, env, collect);
    const clientSecret = oauth2 && (await readClientSecret(oauth2, `${key}.oauth2`, { env, collect }));
    if (faults.length > 0) throw configFault(faults);
    return { ...credentials, ...(clientSecret === undefined ? {} : { clientSecret }) };
  };
  return { credentialFiles: { paths, read } };
}

/** In the order of the configuration. */
export async function compileEndpoints(
  { endpoint, endpoints = {} }: Pick<SettingsWithDefaults, 'endpoint' | 'endpoints'>,
  context: EndpointContext,
): Promise<Endpoint[]> {
  const named = Object.entries(endpoints);
  if (endpoint !== undefined && named.length > 0) {
    const problem = 'endpoint is stated, too; expected one of them: put that one among the others, under its name';
    context.collect({ key: 'endpoints', problem });
  }
  named.forEach(([name], at) => {
    const same = named.slice(0, at).find(([other]) => other.toLowerCase() === name.toLowerCase());
    if (same === undefined) return;
    const problem = `differs from ${same[0]} only in case: on some disks their receipts would be the same files; expected another name`;
    context.collect({ key: `endpoints.${name}`, problem });
  });
  const compiled = await Promise.all([
    ...(endpoint === undefined ? [] : [compileEndpoint(endpoint, 'endpoint', context)]),
    ...named.map(([name, one]) => compileEndpoint(one, `endpoints.${name}`, context)),
  ]);
  return compiled.filter((one) => one !== undefined);
}

function shapeOf({ rate, shape }: EndpointWithDefaults): Pick<Endpoint, 'shape' | 'windowMs'> {
  if (shape !== 'burst') return {};
  const windowMs = windowOf(`${rate}`);
  return { shape, ...(windowMs === undefined ? {} : { windowMs }) };
}

/** The schema has checked it. */
function bodyOf(stated: unknown): Pick<Endpoint, 'body'> {
  const body = stated === undefined ? undefined : bodyTemplate(stated);
  return body === undefined || 'fault' in body ? {} : { body };
}

function successOf({ success = {} }: EndpointWithDefaults): Pick<Endpoint, 'success'> {
  const { status, bodyMatches } = success;
  if (status === undefined && bodyMatches === undefined) return {};
  return {
    success: {
      ...(status === undefined ? {} : { statuses: [status].flat() }),
      ...(bodyMatches === undefined ? {} : { bodyMatches }),
    },
  };
}
