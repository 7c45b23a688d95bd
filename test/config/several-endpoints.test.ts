import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { settingsInForce } from '../../src/config/explain.ts';
import type { LoadInput } from '../../src/config/load.ts';
import { loadSettings } from '../../src/config/load.ts';
import type { Settings } from '../../src/config/settings.ts';
import { parseFor } from '../../src/config/settings.ts';
import { makeFolder } from './folder.ts';

const CRM = 'https://crm.example.com/hook';
const SMS = 'https://sms.example.com/hook';
const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const TWO = `endpoints:
  crm: { url: ${CRM}, rate: 100, headers: { x-tenant: a } }
  sms: { url: ${SMS}, rate: unlimited, timeoutSeconds: 30 }
`;

interface Given extends Pick<LoadInput, 'endpoint'> {
  readonly env?: Record<string, string>;
  readonly flags?: Record<string, string>;
}

async function inputOf(yaml: string, { env = {}, flags = {}, endpoint }: Given): Promise<LoadInput> {
  const cwd = await makeFolder({ 'wds.config.yaml': yaml });
  const given = Object.entries(flags).map(([key, value]) => [key, { value, flag: `--${key.split('.').at(-1)}` }]);
  return { cwd, env, endpoint, flags: Object.fromEntries(given) };
}

const load = async (yaml: string, given: Given = {}): Promise<Settings> =>
  (await loadSettings(await inputOf(yaml, given))).settings;

const faultOf = async (yaml: string, given: Given = {}): Promise<string> =>
  load(yaml, given).then(
    () => 'no fault',
    (error: Error) => error.message,
  );

describe('endpoints by name', () => {
  test('each has its own settings, and the defaults of the rest; none is meant before it is said which', async () => {
    const { endpoint, endpoints, shutdownGraceMs } = await load(TWO);
    expect(endpoint).toBeUndefined();
    expect(endpoints).toMatchObject([
      { name: 'crm', url: CRM, rate: 100, headers: { 'x-tenant': 'a' }, timeoutMs: 15_000, ambiguous: 'resend' },
      { name: 'sms', url: SMS, rate: 'unlimited', headers: {}, timeoutMs: 30_000, maxConnections: 64 },
    ]);
    expect(shutdownGraceMs).toBe(35_000);
  });

  test('a single one under its name is as one under endpoint', async () => {
    const named = await load(`endpoints: { crm: { url: ${CRM}, rate: 100 } }`, { env: { WDS_SECRET: SECRET } });
    const single = await load(`endpoint: { name: crm, url: ${CRM}, rate: 100 }`, { env: { WDS_SECRET: SECRET } });
    expect(named.endpoint).toEqual(single.endpoint);
    expect({ ...named, home: '', inbox: '', inboxes: [] }).toEqual({ ...single, home: '', inbox: '', inboxes: [] });
    expect(named.inboxes.map(({ endpoints }) => endpoints)).toEqual([['crm']]);
  });

  test('--endpoint or WDS_ENDPOINT says which one is meant, and flags speak of that one alone', async () => {
    const settings = await load(TWO, { endpoint: 'crm', flags: { 'endpoint.rate': '7' } });
    expect(settings.endpoint).toMatchObject({ name: 'crm', url: CRM, rate: 7 });
    expect(settings.endpoints.map(({ rate }) => rate)).toEqual([7, 'unlimited']);
    const { endpoint } = await load(TWO, { env: { WDS_ENDPOINT: 'crm' }, endpoint: 'sms' });
    expect(endpoint?.name).toBe('sms');
    expect((await load(TWO, { flags: { 'endpoint.url': SMS } })).endpoint?.name).toBe('sms');
  });

  test('another URL is another endpoint, with nothing of those in the file and none of their inboxes', async () => {
    const flags = { 'endpoint.url': 'http://127.0.0.1:1/' };
    const { endpoint, endpoints, inboxes } = await load(`${TWO}inboxes: { in: crm }`, { flags });
    expect(endpoints).toEqual([endpoint]);
    expect(endpoint).toMatchObject({ url: 'http://127.0.0.1:1/', rate: 'auto', headers: {} });
    expect(inboxes).toEqual([]);
    const single = await load(`endpoint: { name: crm, url: ${CRM} }\ninboxes: { in: crm }`, { flags });
    expect(single.inboxes).toEqual([]);
  });

  test.each<readonly [string, string, Given, string]>([
    [
      'what is said of no one',
      TWO,
      { flags: { 'endpoint.rate': '7' } },
      'endpoint.rate: of which endpoint? There are several (crm, sms); expected --endpoint NAME, or WDS_ENDPOINT (--rate)',
    ],
    [
      'a variable said of no one',
      TWO,
      { env: { WDS_BURST: '7' } },
      'expected --endpoint NAME, or WDS_ENDPOINT (WDS_BURST)',
    ],
    [
      'an unknown choice',
      TWO,
      { endpoint: 'smss' },
      '--endpoint: "smss" is no endpoint of the configuration; did you mean sms?',
    ],
    [
      'an unknown choice of one',
      `endpoint: { name: crm, url: ${CRM} }`,
      { env: { WDS_ENDPOINT: 'archive' } },
      'WDS_ENDPOINT: "archive" is no endpoint of the configuration; there is crm',
    ],
    [
      'a choice, and another URL',
      TWO,
      { endpoint: 'crm', flags: { 'endpoint.url': 'http://x/' } },
      '--endpoint: --url names another endpoint; expected one of them',
    ],
    [
      'a choice, and the URL of another',
      TWO,
      { endpoint: 'crm', flags: { 'endpoint.url': SMS } },
      '--endpoint: --url is the URL of another endpoint',
    ],
    ['both forms', `${TWO}endpoint: { url: ${CRM} }`, {}, 'endpoints: endpoint is stated, too; expected one of them'],
    [
      'names that differ in case',
      `endpoints: { crm: { url: ${CRM} }, CRM: { url: ${SMS} } }`,
      {},
      'endpoints.CRM: differs from crm only in case',
    ],
    [
      'a name twice',
      `endpoints:\n  crm: { url: ${CRM} }\n  crm: { url: ${SMS} }`,
      {},
      'YAML: duplicate key (wds.config.yaml, line 3)',
    ],
    ['no URL', 'endpoints: { crm: }', {}, 'endpoints.crm.url: missing'],
    [
      'a misspelt setting',
      `endpoints: { crm: { url: ${CRM}, retry: { maximumAttemps: 3 } } }`,
      {},
      'endpoints.crm.retry.maximumAttemps: unknown setting; did you mean endpoints.crm.retry.maximumAttempts?',
    ],
    [
      'a bad value',
      `endpoints: { crm: { url: ${CRM}, rate: fast } }`,
      {},
      'endpoints.crm.rate: "fast", expected requests a second',
    ],
    [
      'a name of its own',
      `endpoints: { crm: { name: erp, url: ${CRM} } }`,
      {},
      'endpoints.crm.name: unknown setting; the endpoint is called crm',
    ],
    [
      'a bad name',
      `endpoints: { 'a.b': { url: ${CRM} } }`,
      {},
      'endpoints.a.b: {"url":"https://crm.example.com/hook"}, expected a name: 1 to 63 letters',
    ],
    [
      'a list',
      'endpoints: [crm]',
      {},
      'endpoints: ["crm"], expected names of endpoints, each with a group of settings',
    ],
    [
      'a secret that is not there',
      `endpoints: { crm: { url: ${CRM}, secretEnv: NOPE } }`,
      {},
      'endpoints.crm.secretEnv: the environment variable NOPE is not set',
    ],
    [
      'a secret of nobody',
      TWO,
      { env: { WDS_SECRET: SECRET } },
      'WDS_SECRET: whose secret? There are several endpoints',
    ],
  ])('%s is a fault that says what to do', async (_what, yaml, given, message) => {
    expect(await faultOf(yaml, given)).toContain(message);
  });

  test('WDS_SECRET is of those that name it', async () => {
    const yaml = `endpoints: { crm: { url: ${CRM}, secretEnv: WDS_SECRET }, sms: { url: ${SMS} } }`;
    const { endpoints } = await load(yaml, { env: { WDS_SECRET: SECRET } });
    expect(endpoints.map(({ secrets }) => secrets)).toEqual([[SECRET], []]);
  });

  test('each has variables of its own, by its name', async () => {
    const env = {
      WDS_ENDPOINTS_CRM_RATE: '7',
      WDS_ENDPOINTS_SMS_TIMEOUT_SECONDS: '9',
      WDS_ENDPOINTS_SMS_SECRET: SECRET,
    };
    const input = await inputOf(TWO, { env });
    const { settings, warnings } = await loadSettings(input);
    expect(settings.endpoints).toMatchObject([
      { rate: 7, url: CRM, secrets: [] },
      { timeoutMs: 9_000, secrets: [SECRET] },
    ]);
    expect(warnings).toEqual([]);
    const inForce = (await settingsInForce(input)).find(({ key }) => key === 'endpoints.crm.rate');
    expect(inForce?.from).toBe('WDS_ENDPOINTS_CRM_RATE');
    expect(await faultOf(TWO, { env: { WDS_ENDPOINTS_CRM_RATE: 'fast' } })).toContain('(WDS_ENDPOINTS_CRM_RATE)');
    const alike = `endpoints: { a-b: { url: ${CRM} }, a_b: { url: ${SMS} } }`;
    expect(await faultOf(alike, { env: { WDS_ENDPOINTS_A_B_RATE: '7' } })).toContain('of a-b, or of a_b?');
  });

  test('where each setting comes from is told for each of them', async () => {
    const input = await inputOf(TWO, { endpoint: 'crm', flags: { 'endpoint.rate': '7' } });
    const inForce = new Map((await settingsInForce(input)).map(({ key, value, from }) => [key, `${value} ${from}`]));
    expect(inForce.get('endpoints.crm.rate')).toBe('7 --rate');
    expect(inForce.get('endpoints.sms.rate')).toBe('unlimited wds.config.yaml');
    expect(inForce.get('endpoints.sms.burst')).toBe('0 default');
    expect(inForce.get('endpoints.crm.headers')).toBe('(not shown) wds.config.yaml');
    expect([...inForce.keys()].filter((key) => key.startsWith('endpoint.'))).toEqual([]);
  });
});

describe('a body template', () => {
  const of = (body: string): string => `endpoints:\n  crm:\n    url: ${CRM}\n    body: ${body}\n`;

  test('may be values or a text, and says which columns files must have', async () => {
    const values = await load(of(`{ to: '{{userId}}', text: 'Dear {{column "name"}}: {{alertMessage}}' }`));
    expect(values.endpoint?.body?.columns).toEqual(['name']);
    expect(values.parse.columns).toEqual(['name']);
    const text = await load(of(`'{"to":"{{userId}}","text":"Dear {{column "name"}}: {{alertMessage}}"}'`));
    expect(text.endpoint?.body).toEqual(values.endpoint?.body);
    expect((await load(of(`['{{userId}}']`))).parse).not.toHaveProperty('columns');
  });

  test.each([
    [`'{"to":'`, 'endpoints.crm.body: "{\\"to\\":" is not JSON, expected JSON, as text or as values'],
    [`{ to: '{{user}}' }`, 'has {{user…; expected {{userId}}'],
    ['7', 'endpoints.crm.body: 7, expected JSON'],
  ])('%s is a fault that says why', async (body, message) => {
    expect(await faultOf(of(body))).toContain(message);
  });

  test('columns are of the endpoint that needs them', async () => {
    const yaml = `endpoints:\n  crm: { url: ${CRM} }\n  sms: { url: ${SMS}, body: ['{{userId}} {{column "n"}}'] }\n`;
    const { endpoints, parse } = await load(yaml, { endpoint: 'sms' });
    expect(parse.columns).toEqual(['n']);
    const columns = endpoints.map((endpoint) => parseFor(endpoint, parse, { inBucket: false }).columns);
    expect(columns).toEqual([undefined, ['n']]);
  });
});

describe('inboxes', () => {
  const folders = ({ inboxes }: Settings): string[] =>
    inboxes.map(({ folder, endpoints }) => `${folder.split('/').at(-1)} ${endpoints.join('+')}`);

  test('each names one endpoint or several; --endpoint picks those that deliver to it, whole', async () => {
    const yaml = `${TWO}inboxes: { a: crm, ./b: [crm, sms], c: [sms] }`;
    expect(folders(await load(yaml))).toEqual(['a crm', 'b crm+sms', 'c sms']);
    expect(folders(await load(yaml, { endpoint: 'crm' }))).toEqual(['a crm', 'b crm+sms']);
  });

  test('a folder that is named now is watched alone', async () => {
    const yaml = `${TWO}inboxes: { a: crm, b: [crm, sms] }`;
    const input = await inputOf(yaml, { env: { WDS_INBOX: './b' } });
    expect(folders((await loadSettings(input)).settings)).toEqual(['b crm+sms']);
    expect(folders(await load(yaml, { env: { WDS_INBOX: 'other' } }))).toEqual(['other ']);
    expect(folders(await load(yaml, { env: { WDS_INBOX: 'other' }, endpoint: 'sms' }))).toEqual(['other sms']);
  });

  test('the single endpoint may have several, by its name', async () => {
    expect(folders(await load(`endpoint: { name: crm, url: ${CRM} }\ninboxes: { a: crm, b: crm }`))).toEqual([
      'a crm',
      'b crm',
    ]);
  });

  test.each([
    ['an unknown endpoint', 'inboxes: { a: cmr }', '"cmr" is no endpoint of the configuration; did you mean crm?'],
    ['an endpoint twice', 'inboxes: { a: [crm, crm] }', '"crm" is named twice'],
    ['an endpoint twice in different case', 'inboxes: { a: [crm, CRM] }', '"CRM" is named twice'],
    ['one folder twice', 'inboxes: { a: crm, ./x/../a: sms }', 'the same folder as'],
    ['one folder through a link', 'inboxes: { real: crm, link: sms }', 'the same folder as'],
    ['a folder that wds has in an inbox', 'inboxes: { a: crm, a/urgent: sms }', 'wds keeps files of'],
    ['home', 'home: a\ninboxes: { a: crm }', 'the folder is home'],
    ['inbox, too', 'inbox: b\ninboxes: { a: crm }', 'inboxes: inbox is stated, too'],
    ['no list', 'inboxes: { a: 7 }', 'expected folders, each with the name of an endpoint'],
    ['an empty list', 'inboxes: { a: [] }', 'expected folders, each with the name of an endpoint'],
  ])('%s is a fault that says so', async (_what, yaml, message) => {
    const input = await inputOf(TWO + yaml, {});
    await mkdir(join(input.cwd, 'real'));
    await symlink('real', join(input.cwd, 'link'));
    await expect(loadSettings(input)).rejects.toThrow(message);
  });
});
