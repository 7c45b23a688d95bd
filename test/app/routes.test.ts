import { expect, test } from 'vitest';
import { endpointOf, endpointsOf, meantEndpoint, meantEndpoints, routesOf } from '../../src/app/routes.ts';
import { loadSettings } from '../../src/config/load.ts';
import type { Settings } from '../../src/config/settings.ts';
import { makeFolder } from '../config/folder.ts';

const TWO = 'endpoints: { crm: { url: http://crm/ }, sms: { url: http://sms/ } }\n';

async function load(yaml: string, endpoint?: string): Promise<Settings> {
  const cwd = await makeFolder({ 'wds.config.yaml': yaml });
  return (await loadSettings({ cwd, env: {}, endpoint })).settings;
}
const shown = (settings: Settings): string[] =>
  routesOf(settings).map(({ inbox, endpoints }) => `${inbox.split('/').at(-1)} ${endpoints.map(({ name }) => name)}`);

test('a single endpoint has the inbox, as ever', async () => {
  const settings = await load('endpoint: { name: crm, url: http://crm/ }');
  expect(shown(settings)).toEqual(['inbox crm']);
  expect(meantEndpoint(settings).name).toBe('crm');
});

test('of several, none is taken for the one that is meant', async () => {
  const settings = await load(TWO);
  expect(() => meantEndpoint(settings)).toThrow('which endpoint? There are several: crm, sms');
  expect(meantEndpoints(settings).map(({ name }) => name)).toEqual(['crm', 'sms']);
  expect(() => routesOf(settings)).toThrow(/where do the files of .*inbox go\? There are several endpoints: crm, sms/);
});

test('a chosen one has the inbox, and is all that is served', async () => {
  const settings = await load(TWO, 'sms');
  expect(shown(settings)).toEqual(['inbox sms']);
  expect(meantEndpoints(settings).map(({ name }) => name)).toEqual(['sms']);
});

test('an inbox always delivers to all of its endpoints', async () => {
  const settings = await load(`${TWO}inboxes: { a: crm, b: [sms, crm] }`, 'sms');
  expect(shown(settings)).toEqual(['b sms,crm']);
  expect(endpointsOf(routesOf(settings)).map(({ name }) => name)).toEqual(['sms', 'crm']);
});

test('an endpoint without an inbox is said to have none', async () => {
  const settings = await load(`${TWO}inboxes: { a: crm }`, 'sms');
  expect(() => routesOf(settings)).toThrow('no inbox delivers to endpoint sms');
});

test('a delivery belongs to the endpoint of its name, if that one is meant', async () => {
  const record = { endpoint: 'sms', fileName: 'a.csv' };
  expect(endpointOf(record, await load(TWO)).name).toBe('sms');
  const other = await load(TWO, 'crm');
  expect(() => endpointOf(record, other)).toThrow(
    'a.csv was delivered to endpoint sms; this command is configured for crm',
  );
});
