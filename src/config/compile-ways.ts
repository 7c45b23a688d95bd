/** How an endpoint is reached: proxy, certificates, addresses; what of it can be checked is checked here, at the start. */
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { Endpoint } from '../domain/endpoint.ts';
import { errnoOf, reasonOf } from '../thrown.ts';
import type { EndpointWithDefaults, SettingsWithDefaults } from './defaults.ts';
import type { ConfigFault } from './faults.ts';
import { proxyFor } from './proxies.ts';
import { readOneSecret } from './secrets.ts';
import type { Environment } from './sources.ts';

export interface WaysContext {
  readonly env: Environment;
  readonly network: SettingsWithDefaults['network'];
  readonly collect: (fault: ConfigFault) => void;
}

type Ways = Pick<Endpoint, 'proxy' | 'tls' | 'oauth2' | 'publicOnly' | 'allowAddresses' | 'tracing'>;

/** `key`: of the endpoint. Faults go to `context.collect`. */
export async function compileWays(stated: EndpointWithDefaults, key: string, context: WaysContext): Promise<Ways> {
  const { url, allowAddresses, tracing, headers = {} } = stated;
  const ownTrace = Object.keys(headers).find((name) => /^trace(?:parent|state)$/i.test(name));
  if (tracing?.traceparent && ownTrace !== undefined) {
    context.collect({
      key: `${key}.tracing.traceparent`,
      problem: `headers has a ${ownTrace}, too; expected one of them`,
    });
  }
  const tls = await compileTls(stated, key, context);
  return {
    ...(url === undefined ? {} : proxyOf(url, stated.proxy, context)),
    ...(tls === undefined ? {} : { tls }),
    ...(await compileOAuth2(stated, `${key}.oauth2`, context)),
    ...(context.network === 'public' ? { publicOnly: true } : {}),
    ...(allowAddresses === undefined ? {} : { allowAddresses }),
    ...(tracing === undefined ? {} : { tracing }),
  };
}

/** The stated one, or that of the environment. */
export function proxyOf(
  url: string,
  stated: string | undefined,
  { env, collect }: Pick<WaysContext, 'env' | 'collect'>,
): { readonly proxy?: string } {
  if (stated === 'none') return {};
  if (stated !== undefined) return { proxy: new URL(stated).href };
  const { proxy, fault } = proxyFor(url, env);
  if (fault !== undefined) {
    const [name, why] = fault;
    collect({ key: name, problem: `(value not shown) ${why}, expected http://HOST:PORT`, origin: undefined });
  }
  return proxy === undefined ? {} : { proxy };
}

/** `key`: of the group `oauth2`. */
export const readClientSecret = (
  { clientSecretFile: file, clientSecretEnv: variable }: NonNullable<EndpointWithDefaults['oauth2']>,
  key: string,
  { env, collect }: Pick<WaysContext, 'env' | 'collect'>,
): Promise<string | undefined> => readOneSecret({ file, variable }, `${key}.clientSecret`, env, collect);

async function compileOAuth2(
  { oauth2, proxy, headers = {} }: EndpointWithDefaults,
  key: string,
  context: WaysContext,
): Promise<Pick<Endpoint, 'oauth2'>> {
  if (oauth2 === undefined) return {};
  const { collect } = context;
  const { tokenUrl, clientId, scope, audience, clientAuth } = oauth2;
  const clientSecret = await readClientSecret(oauth2, key, context);
  if (tokenUrl === undefined)
    collect({ key: `${key}.tokenUrl`, problem: 'missing; expected the URL of the token server' });
  if (clientId === undefined) collect({ key: `${key}.clientId`, problem: 'missing; expected the ID of the client' });
  if (Object.keys(headers).some((name) => name.toLowerCase() === 'authorization')) {
    collect({ key, problem: 'headers has an Authorization, too; expected one of them' });
  }
  if (tokenUrl === undefined || clientId === undefined || clientSecret === undefined) return {};
  return {
    oauth2: {
      ...{ tokenUrl: new URL(tokenUrl).href, clientId, clientSecret, clientAuth: clientAuth ?? 'basic' },
      ...(scope === undefined ? {} : { scope }),
      ...(audience === undefined ? {} : { audience }),
      ...proxyOf(tokenUrl, proxy, context),
    },
  };
}

async function compileTls(
  { tls }: EndpointWithDefaults,
  key: string,
  { collect }: WaysContext,
): Promise<Endpoint['tls'] | undefined> {
  if (tls === undefined) return undefined;
  const { cert, key: keyFile } = tls;
  const ca = [tls.ca ?? []].flat();
  if ((cert === undefined) !== (keyFile === undefined)) {
    const [there, missing] = cert === undefined ? ['key', 'cert'] : ['cert', 'key'];
    collect({ key: `${key}.tls.${missing}`, problem: `missing; expected beside ${key}.tls.${there}` });
  }
  const read = async (path: string, name: string): Promise<Buffer | undefined> => {
    try {
      const bytes = await readFile(path);
      if (/-----BEGIN /.test(bytes.toString('latin1'))) {
        if (name !== 'key') createSecureContext({ ca: bytes, ...(name === 'cert' ? { cert: bytes } : {}) });
        return bytes;
      }
      collect({ key: `${key}.tls.${name}`, problem: `${path} holds no PEM; expected -----BEGIN … -----` });
    } catch (error) {
      const errno = errnoOf(error);
      // OpenSSL's codes begin with E, too: ERR_OSSL_…
      const why =
        errno !== undefined && /^E[A-Z0-9]+$/.test(errno)
          ? `cannot be read: ${errno}`
          : `is not usable: ${reasonOf(error)}`;
      collect({ key: `${key}.tls.${name}`, problem: `${path} ${why}` });
    }
    return undefined;
  };
  const authorities = await Promise.all(ca.map((path) => read(path, 'ca')));
  const own = cert === undefined ? undefined : await read(cert, 'cert');
  const secret = keyFile === undefined ? undefined : await read(keyFile, 'key');
  if (own !== undefined && secret !== undefined && authorities.every((bytes) => bytes !== undefined)) {
    try {
      createSecureContext({ cert: own, key: secret });
    } catch (error) {
      collect({ key: `${key}.tls.key`, problem: `${keyFile} is not usable with ${cert}: ${reasonOf(error)}` });
    }
  }
  return {
    ...(ca.length === 0 ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(keyFile === undefined ? {} : { key: keyFile }),
  };
}
