import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadSettings } from '../../src/config/load.ts';
import { isNetwork, proxyFor } from '../../src/config/proxies.ts';
import type { Settings } from '../../src/config/settings.ts';
import { makeFolder } from './folder.ts';

const URL_A = 'https://crm.example.com/hook';
const support = join(import.meta.dirname, '../e2e/support');

async function load(endpoint: string, env: Record<string, string> = {}, more = ''): Promise<Settings> {
  const files = {
    'wds.config.yaml': `endpoint:\n  name: crm\n  url: ${URL_A}\n${endpoint}${more}`,
    'cert.pem': await readFile(join(support, 'loopback-certificate.pem'), 'utf8'),
    'key.pem': await readFile(join(support, 'loopback-key.pem'), 'utf8'),
    'no.pem': 'nothing',
    secret: ' s3cret\n',
  };
  return (await loadSettings({ cwd: await makeFolder(files), env })).settings;
}
const faultOf = (...given: Parameters<typeof load>): Promise<string> =>
  load(...given).then(
    () => 'none',
    (error: Error) => error.message,
  );

describe('a proxy', () => {
  const env = { HTTPS_PROXY: 'http://secure:1', HTTP_PROXY: 'http://plain:2', NO_PROXY: '' };

  test.each([
    ['https://a.example/', {}, 'http://secure:1/'],
    ['http://a.example/', {}, 'http://plain:2/'],
    ['https://a.example/', { https_proxy: 'proxy.corp:3128' }, 'http://proxy.corp:3128/'],
    ['https://localhost:8443/', {}, undefined],
    ['https://127.0.0.9/', {}, undefined],
    ['https://[::1]/', {}, undefined],
    ['https://a.example/', { NO_PROXY: '*' }, undefined],
    ['https://a.b.example/', { NO_PROXY: 'x, b.example' }, undefined],
    ['https://a.b.example/', { NO_PROXY: '.b.example' }, undefined],
    ['https://ab.example/', { NO_PROXY: 'b.example' }, 'http://secure:1/'],
    ['https://a.example:8443/', { NO_PROXY: 'a.example:443' }, 'http://secure:1/'],
    ['https://a.example/', { NO_PROXY: 'a.example:443' }, undefined],
    ['https://10.1.2.3/', { no_proxy: '10.0.0.0/8' }, undefined],
    ['https://[fd00::9]/', { NO_PROXY: 'fd00::/8' }, undefined],
    ['https://11.1.2.3/', { NO_PROXY: '10.0.0.0/8' }, 'http://secure:1/'],
  ])('of the environment for %s with %o is %s', (url, more, proxy) => {
    expect(proxyFor(url, { ...env, ...more }).proxy).toBe(proxy);
  });

  test('that is stated holds, whatever the environment says', async () => {
    expect((await load('', env)).endpoint?.proxy).toBe('http://secure:1/');
    expect((await load('  proxy: http://u:p@own:3\n', env)).endpoint?.proxy).toBe('http://u:p@own:3/');
    expect((await load('  proxy: none\n', env)).endpoint).not.toHaveProperty('proxy');
  });

  test('that is none is a fault, and its login is not shown', async () => {
    const fault = await faultOf('  proxy: socks5://user:pass@host\n');
    expect(fault).toContain('endpoint.proxy: (value not shown), expected http://HOST:PORT');
    expect(await faultOf('', { HTTPS_PROXY: 'socks5://user:pass@host' })).toContain(
      'HTTPS_PROXY: (value not shown) neither http nor https',
    );
    expect(fault).not.toContain('pass@');
  });
});

describe('certificates', () => {
  test('are files beside the configuration, checked at the start', async () => {
    const { endpoint } = await load('  tls: { ca: cert.pem, cert: cert.pem, key: key.pem }\n');
    expect(
      Object.values(endpoint?.tls ?? {})
        .flat()
        .every((path) => path.startsWith('/')),
    ).toBe(true);
  });

  test.each([
    ['{ cert: cert.pem }', 'endpoint.tls.key: missing; expected beside endpoint.tls.cert'],
    ['{ ca: [cert.pem, gone.pem] }', 'gone.pem cannot be read: ENOENT'],
    ['{ ca: no.pem }', 'no.pem holds no PEM'],
    ['{ cert: cert.pem, key: cert.pem }', 'is not usable with'],
  ])('%s is a fault', async (tls, message) => {
    expect(await faultOf(`  tls: ${tls}\n`)).toContain(message);
  });
});

describe('OAuth 2.0', () => {
  const stated = '{ tokenUrl: https://login.example.com/token, clientId: wds, clientSecretFile: secret }';

  test('has its secret from a file or a variable', async () => {
    const { endpoint } = await load(`  oauth2: ${stated}\n`, {
      HTTPS_PROXY: 'http://p:1',
      NO_PROXY: 'crm.example.com',
    });
    expect(endpoint?.oauth2).toEqual({
      ...{ tokenUrl: 'https://login.example.com/token', clientId: 'wds', clientSecret: 's3cret' },
      ...{ clientAuth: 'basic', proxy: 'http://p:1/' },
    });
    expect(endpoint).not.toHaveProperty('proxy');
    const env = await load(`  oauth2: ${stated.replace('clientSecretFile: secret', 'clientSecretEnv: S')}\n`, {
      S: 'x',
    });
    expect(env.endpoint?.oauth2?.clientSecret).toBe('x');
  });

  test.each([
    ['{ clientId: wds, clientSecretFile: secret }', '', 'endpoint.oauth2.tokenUrl: missing'],
    ['{ tokenUrl: https://a/t, clientSecretFile: secret }', '', 'endpoint.oauth2.clientId: missing'],
    [
      '{ tokenUrl: https://a/t, clientId: wds }',
      '',
      'endpoint.oauth2.clientSecretFile: missing; expected endpoint.oauth2.clientSecretFile or',
    ],
    ['{ tokenUrl: https://a/t, clientId: wds, clientSecretEnv: NOPE }', '', 'the environment variable NOPE is not set'],
    [stated, '  headers: { authorization: x }\n', 'endpoint.oauth2: headers has an Authorization, too'],
  ])('%s %s is a fault', async (oauth2, more, message) => {
    expect(await faultOf(`  oauth2: ${oauth2}\n`, {}, more)).toContain(message);
  });
});

test('network and the addresses that are allowed', async () => {
  const { endpoint } = await load('  allowAddresses: [10.0.0.0/8, "fd00::1"]\n', {}, 'network: public\n');
  expect(endpoint).toMatchObject({ publicOnly: true, allowAddresses: ['10.0.0.0/8', 'fd00::1'] });
  expect((await load('', { WDS_NETWORK: 'any' })).endpoint).not.toHaveProperty('publicOnly');
  expect(await faultOf('', { WDS_NETWORK: 'private' })).toContain('network: "private", expected any or public');
  expect(await faultOf('  allowAddresses: [example.com]\n')).toContain('expected a list of IP addresses or networks');
  expect(['10.0.0.0/33', '10.0.0/8', '::/129', 'a/8', '1.1.1.1/8/8', ''].filter(isNetwork)).toEqual([]);
});
