import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { watchServiceCredentials } from '../../src/temporal/service-credentials.ts';
import { makeFolder } from '../config/folder.ts';

let stop = (): void => undefined;
afterEach(() => stop());

const toml = (key: string): string => `[profile.default]\naddress = "cloud:7233"\napi_key = "${key}"\n`;

test('a key that was replaced in its file is given to both connections, once; a file that is broken changes nothing', async () => {
  const folder = await makeFolder({ 'temporal.toml': toml('one') });
  const file = join(folder, 'temporal.toml');
  const given: string[] = [];
  const events: unknown[] = [];
  const logger = { info: (fields: object) => events.push(fields), warn: (fields: object) => events.push(fields) };
  stop = watchServiceCredentials({
    flags: {},
    env: { TEMPORAL_CONFIG_FILE: file },
    everyMs: 5,
    client: { setApiKey: (key) => void given.push(`client ${key as string}`) },
    reconnect: async () => void given.push('reconnected'),
    native: async () => ({ setApiKey: async (key) => void given.push(`native ${key}`) }),
    logger: logger as never,
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const replace = async (text: string): Promise<void> => {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  };
  await replace(toml('two'));
  await vi.waitFor(() => expect(given).toEqual(['client two', 'native two']), 5_000);
  await replace('profile = [');
  await vi.waitFor(() => expect(events).toHaveLength(2), 5_000);
  expect(events).toEqual([{ event: 'api_key_renewed' }, { event: 'api_key_trouble', reason: expect.any(String) }]);
  expect(given).toHaveLength(2);
});

interface Shown {
  readonly clientCertPair?: { readonly crt: Uint8Array; readonly key: Uint8Array };
  readonly serverRootCACertificate?: Uint8Array;
}

const PEM = (text: string): string => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;

test('certificates that were replaced are connected with; where that fails it is said once, and tried again', async () => {
  const folder = await makeFolder({ 'tls.crt': PEM('one'), 'tls.key': 'key one', 'ca.crt': PEM('ca') });
  const [cert, key, ca] = ['tls.crt', 'tls.key', 'ca.crt'].map((name) => join(folder, name));
  const env = {
    TEMPORAL_ADDRESS: 'cluster:7233',
    TEMPORAL_TLS_CLIENT_CERT_PATH: cert!,
    TEMPORAL_TLS_CLIENT_KEY_PATH: key!,
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: ca!,
  };
  const events: { event: string }[] = [];
  const shown: string[] = [];
  let reachable = true;
  const logger = { info: (fields: never) => events.push(fields), warn: (fields: never) => events.push(fields) };
  stop = watchServiceCredentials({
    ...{ flags: {}, env, everyMs: 5, logger: logger as never, native: () => undefined },
    client: { setApiKey: () => void shown.push('a key') },
    reconnect: async ({ connectionOptions: { tls } }) => {
      const { clientCertPair, serverRootCACertificate } = tls as Shown;
      const all = [clientCertPair?.crt, clientCertPair?.key, serverRootCACertificate];
      shown.push(
        all
          .map((bytes) =>
            Buffer.from(bytes!)
              .toString()
              .replace(/-----.*?-----|\n/g, ''),
          )
          .join(', '),
      );
      if (!reachable) throw new Error('refused');
    },
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const replace = async (path: string, text: string): Promise<void> => {
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  };
  reachable = false;
  await replace(cert!, PEM('two'));
  await vi.waitFor(() => expect(shown.length).toBeGreaterThan(2), 5_000);
  await replace(key!, 'key two');
  reachable = true;
  await vi.waitFor(() => expect(shown.at(-1)).toBe('two, key two, ca'), 5_000);
  await vi.waitFor(() => expect(events.at(-1)?.event).toBe('temporal_certificate_renewed'), 5_000);
  expect(events.filter(({ event }) => event === 'temporal_certificate_trouble')).toEqual([
    { event: 'temporal_certificate_trouble', reason: 'refused' },
  ]);
  await replace(ca!, PEM('another'));
  await vi.waitFor(() => expect(shown.at(-1)).toBe('two, key two, another'), 5_000);
});
