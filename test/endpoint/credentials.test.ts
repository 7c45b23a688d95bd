import { rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { loadSettings } from '../../src/config/load.ts';
import { fetchTokenFor } from '../../src/endpoint/access-tokens.ts';
import { Credentials } from '../../src/endpoint/credentials.ts';
import { makeFolder } from '../config/folder.ts';

const SECRETS = ['c2VjcmV0LW9uZS1zZWNyZXQtb25lLXNlY3JldC1vbmU=', 'c2VjcmV0LXR3by1zZWNyZXQtdHdvLXNlY3JldC10d28='].map(
  (base64) => `whsec_${base64}`,
);

let credentials: Credentials | undefined;
afterEach(() => credentials?.close());

async function credentialsIn(folder: string) {
  const told: string[] = [];
  const { settings } = await loadSettings({ cwd: folder, env: {} });
  credentials = new Credentials(settings.endpoint!, {
    everyMs: 5,
    onRenewed: () => told.push('renewed'),
    onTrouble: (reason) => told.push(reason),
  });
  const written = (): Record<string, string> => {
    const flat = credentials!.headers.write('msg_1', '{}', 1_700_000_000_000);
    return Object.fromEntries(Array.from({ length: flat.length / 2 }, (_, at) => flat.slice(2 * at, 2 * at + 2)));
  };
  return { told, written };
}

/** As a careful person does, and a mounted secret: whole, in one step. */
async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

test('a secret and a header are read again when their files are replaced; what is none leaves those of before in force', async () => {
  const folder = await makeFolder({
    'wds.config.yaml':
      'endpoint: { url: "http://127.0.0.1:9/", secretFile: secret, headers: { Authorization: { file: token } } }',
    secret: SECRETS[0]!,
    token: 'Bearer one',
  });
  const { told, written } = await credentialsIn(folder);
  const before = written();
  expect(before.authorization ?? before.Authorization).toBe('Bearer one');
  await new Promise((resolve) => setTimeout(resolve, 50));

  await replace(join(folder, 'secret'), `${SECRETS[1]} ${SECRETS[0]}`);
  await vi.waitFor(() => expect(told.length === 1).toBe(true), 5_000);
  const both = written()['webhook-signature']!;
  expect(both.split(' ')).toHaveLength(2);
  expect(both.split(' ')[1]).toBe(before['webhook-signature']);

  await replace(join(folder, 'secret'), SECRETS[1]!);
  await replace(join(folder, 'token'), 'Bearer two');
  await vi.waitFor(() => expect(JSON.stringify(written()).includes('Bearer two')).toBe(true), 5_000);
  await vi.waitFor(() => expect(written()['webhook-signature'] === both.split(' ')[0]).toBe(true), 5_000);
  // An answer to a request of before may still repeat it.
  expect(credentials!.headers.secretValues).toEqual(expect.arrayContaining([SECRETS[1]]));

  told.length = 0;
  await replace(join(folder, 'secret'), 'not a secret');
  await vi.waitFor(() => expect(told.length === 1).toBe(true), 5_000);
  expect(told[0]).toContain('endpoint.secretFile: (value not shown)');
  expect(told[0]).not.toContain('not a secret');
  await rm(join(folder, 'secret'));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(told).toHaveLength(1);
  expect(written()['webhook-signature']).toBe(both.split(' ')[0]);
});

test('what comes from the environment is not looked at again', async () => {
  const folder = await makeFolder({ 'wds.config.yaml': 'endpoint: { url: "http://127.0.0.1:9/", secretEnv: S }' });
  const { settings } = await loadSettings({ cwd: folder, env: { S: SECRETS[0] } });
  expect(settings.endpoint).not.toHaveProperty('credentialFiles');
});

test('the secret that access tokens are fetched with is read again, and the next token is asked for with it', async () => {
  const shown: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    shown.push(Buffer.from(request.headers.authorization?.replace('Basic ', '') ?? '', 'base64').toString());
    response.end(JSON.stringify({ access_token: 'token', expires_in: 3_600 }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const tokenUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
    const oauth2 = { tokenUrl, clientId: 'wds', clientSecretFile: 'client' };
    const folder = await makeFolder({
      'wds.config.yaml': JSON.stringify({ endpoint: { url: 'http://127.0.0.1:9/', oauth2 } }),
      client: 'secret one\n',
    });
    const { told } = await credentialsIn(folder);
    const { settings } = await loadSettings({ cwd: folder, env: {} });
    const fetch = fetchTokenFor(settings.endpoint!, settings.endpoint!.oauth2!, credentials);
    await fetch();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await replace(join(folder, 'client'), 'secret two\n');
    await vi.waitFor(() => expect(told).toEqual(['renewed']), 5_000);
    await fetch();
    await replace(join(folder, 'client'), '');
    await vi.waitFor(() => expect(told).toHaveLength(2), 5_000);
    expect(told[1]).toContain('endpoint.oauth2.clientSecretFile: it is empty');
    await fetch();
    expect(shown).toEqual(['wds:secret+one', 'wds:secret+two', 'wds:secret+two']);
  } finally {
    server.close();
  }
});
