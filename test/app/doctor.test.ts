import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import type { Server } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { expect, test } from 'vitest';
import type { Diagnosis } from '../../src/app/doctor/doctor.ts';
import { examine } from '../../src/app/doctor/doctor.ts';
import type { Finding } from '../../src/app/doctor/finding.ts';
import { clockFinding } from '../../src/app/doctor/machine.ts';
import { notifyFinding, scheduleFinding, suppressionFinding } from '../../src/app/doctor/restraints.ts';
import { loadSettings } from '../../src/config/load.ts';
import { FolderStore } from '../../src/store/folder-store.ts';
import { settleInstallationId } from '../../src/store/installation-identity.ts';
import { makeFolder } from '../config/folder.ts';

interface Scene {
  readonly cwd: string;
  readonly env?: Record<string, string>;
  readonly flags?: Record<string, string>;
  readonly address?: string;
}

const diagnose = ({ cwd, env = {}, flags = {}, address }: Scene): Promise<Diagnosis> =>
  examine({
    input: {
      cwd,
      env,
      flags: Object.fromEntries(Object.entries(flags).map(([key, value]) => [key, { value, flag: `--${key}` }])),
      temporal: address === undefined ? {} : { address },
    },
    complete: async (settings) => settings,
  });

const of = ({ findings }: Diagnosis, check: string): Finding => findings.find((finding) => finding.check === check)!;

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as { port: number }).port}`;
}

test('in a new folder nothing is at fault, and nothing is made', async () => {
  const cwd = await makeFolder();
  const diagnosis = await diagnose({ cwd });
  expect(diagnosis.findings.filter(({ state }) => state === 'fault')).toEqual([]);
  expect(of(diagnosis, 'home')).toMatchObject({ state: 'warning', next: expect.stringContaining('--home') });
  expect(of(diagnosis, 'temporal').found).toContain('not running now');
  expect(await readdir(cwd)).toEqual([]);
});

test('says whose the home is, and what lies in the inbox', async () => {
  const cwd = await makeFolder();
  const id = await settleInstallationId(new FolderStore(join(cwd, '.wds/store')));
  await mkdir(join(cwd, 'inbox/.wds'), { recursive: true });
  await writeFile(join(cwd, 'inbox/a.csv'), '');
  const diagnosis = await diagnose({ cwd });
  expect(of(diagnosis, 'home')).toMatchObject({ state: 'ok', found: expect.stringContaining(id) });
  expect(of(diagnosis, 'inbox')).toMatchObject({ state: 'ok', found: expect.stringContaining('1 file lies in it') });
});

test('a home or inbox that cannot be used is a fault with what to do', async () => {
  const cwd = await makeFolder({ inbox: 'a file' });
  await mkdir(join(cwd, '.wds/store'), { recursive: true });
  await writeFile(join(cwd, '.wds/store/installation.json'), '{');
  const diagnosis = await diagnose({ cwd });
  expect(of(diagnosis, 'home')).toMatchObject({ state: 'fault', next: expect.stringContaining('Restore') });
  expect(of(diagnosis, 'inbox')).toMatchObject({ state: 'fault', found: expect.stringContaining('no folder') });
});

test('a folder without permission is one', async ({ skip }) => {
  skip(process.getuid?.() === 0, 'nothing is forbidden to root');
  const cwd = await makeFolder();
  await chmod(cwd, 0o500);
  expect(of(await diagnose({ cwd }), 'home')).toMatchObject({ state: 'fault' });
});

test('faults of the configuration are one finding, with the value and where it stands', async () => {
  const cwd = await makeFolder({ 'wds.config.yaml': 'inbx: a\n' });
  const diagnosis = await diagnose({ cwd });
  expect(of(diagnosis, 'configuration')).toMatchObject({
    state: 'fault',
    found: expect.stringContaining('inbx: unknown setting; did you mean inbox? (wds.config.yaml, line 1)'),
  });
  expect(of(diagnosis, 'wds')).toBeDefined();
});

test('every setting is told as it is in force, with where it comes from, and no secret', async () => {
  const endpoint = {
    url: 'http://127.0.0.1:1/hook?token=geheim',
    rate: '600/min',
    headers: { Authorization: 'geheim' },
  };
  const cwd = await makeFolder({ 'wds.config.yaml': JSON.stringify({ endpoint, logLevel: 'debug' }) });
  const env = { WDS_BURST: '7', WDS_SECRET: `whsec_${Buffer.alloc(24, 'geheim').toString('base64')}` };
  const { settings } = await diagnose({ cwd, env, flags: { 'endpoint.rate': '20/s' } });
  const told = (key: string) => {
    const { value, from } = settings.find((setting) => setting.key === key)!;
    return `${value} by ${from}`;
  };
  expect(told('endpoint.rate')).toBe('20/s by --endpoint.rate');
  expect(told('endpoint.burst')).toBe('7 by WDS_BURST');
  expect(told('logLevel')).toBe('debug by wds.config.yaml');
  expect(told('endpoint.url')).toBe('http://127.0.0.1:1/hook?… by wds.config.yaml');
  expect(told('endpoint.headers')).toBe('(not shown) by wds.config.yaml');
  expect(told('endpoint.ambiguous')).toBe('resend by default');
  expect(told('endpoint.probeUrl')).toBe('none by default');
  expect(JSON.stringify(settings)).not.toContain('geheim');
});

test('Temporal and an endpoint that refuse connections are faults that name them', async () => {
  const cwd = await makeFolder();
  const flags = { 'endpoint.url': 'http://127.0.0.1:1/' };
  const diagnosis = await diagnose({ cwd, flags, address: '127.0.0.1:1' });
  expect(of(diagnosis, 'temporal')).toMatchObject({ state: 'fault', found: expect.stringContaining('127.0.0.1:1') });
  expect(of(diagnosis, 'connection')).toMatchObject({ state: 'fault', found: expect.stringContaining('ECONNREFUSED') });
});

test('an endpoint is connected to, and gets not a byte', async () => {
  let bytes = 0;
  const server = createServer((socket) =>
    socket.on('error', () => undefined).on('data', (data) => (bytes += data.length)),
  );
  const address = await listening(server);
  const diagnosis = await diagnose({ cwd: await makeFolder(), flags: { 'endpoint.url': `http://${address}/` } });
  expect(of(diagnosis, 'connection')).toMatchObject({ state: 'ok', found: expect.stringContaining(address) });
  await new Promise((resolve) => server.close(resolve));
  expect(bytes).toBe(0);
});

test('a certificate that is not trusted, and a name that is unknown, are told apart', async () => {
  const support = join(import.meta.dirname, '../e2e/support');
  const cert = await readFile(join(support, 'loopback-certificate.pem'));
  const server = createTlsServer({ cert, key: await readFile(join(support, 'loopback-key.pem')) });
  const address = await listening(server);
  const cwd = await makeFolder();
  const tls = await diagnose({ cwd, flags: { 'endpoint.url': `https://${address}/` } });
  expect(of(tls, 'connection')).toMatchObject({ state: 'fault', next: expect.stringContaining('NODE_EXTRA_CA_CERTS') });
  server.close();
  const name = await diagnose({ cwd, flags: { 'endpoint.url': 'https://no-such-host.invalid/' } });
  expect(of(name, 'connection')).toMatchObject({ state: 'fault', next: expect.stringContaining('DNS') });
});

test('a clock that was never set is a fault', () => {
  expect(clockFinding(Date.UTC(1970, 0, 2)).state).toBe('fault');
  expect(clockFinding(Date.UTC(2031, 0, 2)).state).not.toBe('fault');
});

test('a list that is not there, and a time that is over, are faults; who is notified is told without the address', async () => {
  const cwd = await makeFolder({ 'stop.txt': 'ann\n' });
  const load = async (settings: object) =>
    (
      await loadSettings({
        cwd,
        env: {},
        flags: Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, { value, flag: key }])),
      })
    ).settings;
  const there = { ...(await load({})), suppressFile: join(cwd, 'stop.txt') };
  expect(await suppressionFinding(there)).toMatchObject({
    state: 'ok',
    found: expect.stringContaining('names 1 user'),
  });
  expect(await suppressionFinding({ ...there, suppressFile: join(cwd, 'none.txt') })).toMatchObject({ state: 'fault' });
  expect(await suppressionFinding(await load({}))).toBeUndefined();
  const late = await load({ 'delivery.notAfter': '2026-01-01T00:00Z' });
  expect(scheduleFinding(late, Date.UTC(2026, 5, 1))).toMatchObject({ state: 'fault' });
  const hours = await load({ 'delivery.window': '08:00-20:00 UTC' });
  expect(scheduleFinding(hours, Date.UTC(2026, 5, 1, 3))?.found).toContain('files wait until 2026-06-01T08:00:00.000Z');
  const notify = { url: 'https://hooks.example.com/secret', secrets: [], command: undefined, events: [], timeoutMs: 1 };
  expect(notifyFinding({ ...there, notify })?.found).toBe(
    'by hooks.example.com, not signed; try them with: wds notify --test',
  );
});
