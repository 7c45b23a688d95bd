import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { configFault } from '../../src/config/faults.ts';
import { listSettings } from '../../src/config/layer.ts';
import type { LoadInput } from '../../src/config/load.ts';
import { loadSettings } from '../../src/config/load.ts';
import { settingsSchema } from '../../src/config/schema.ts';
import type { Settings } from '../../src/config/settings.ts';
import { inboxPlace } from '../../src/config/settings.ts';
import { yamlLayer } from '../../src/config/sources.ts';
import { Fault } from '../../src/domain/failure.ts';
import { makeFolder } from './folder.ts';

type Flags = Readonly<Record<string, string | boolean>>;

const asFlags = (flags: Flags): NonNullable<LoadInput['flags']> =>
  Object.fromEntries(Object.entries(flags).map(([key, value]) => [key, { value, flag: `--${key.split('.').at(-1)}` }]));

async function load(yaml: string | undefined, env: Record<string, string> = {}, flags: Flags = {}): Promise<Settings> {
  const cwd = await makeFolder(yaml === undefined ? {} : { 'wds.config.yaml': yaml });
  return (await loadSettings({ cwd, env, flags: asFlags(flags) })).settings;
}

async function faultOf(loading: Promise<unknown>): Promise<Fault> {
  const error = await loading.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Fault);
  expect((error as Fault).code).toBe('config');
  return error as Fault;
}

const URL_A = 'https://a.example.com/hook';
const URL_B = 'http://127.0.0.1:8080/alerts';

describe('without any configuration', () => {
  test('everything has its default, and paths are absolute', async () => {
    const cwd = await makeFolder();
    const { settings, warnings } = await loadSettings({ cwd, env: {} });
    expect(warnings).toEqual([]);
    expect(settings).toMatchObject({
      home: join(cwd, '.wds'),
      inbox: join(cwd, 'inbox'),
      watch: 'auto',
      settleMs: 500,
      blindSettleMs: 10_000,
      scanIntervalMs: 5_000,
      sidecar: 'off',
      results: false,
      maxExpandedBytes: 8 * 1024 ** 3,
      endpoint: undefined,
      logLevel: 'info',
      shutdownGraceMs: 20_000,
      parse: { header: true, userIdColumn: 'userId', alertMessageColumn: 'alertMessage', chunkSize: 1000 },
      delivery: { batchSize: 1000, parallelChunks: 4, maxStubborn: 100, maxHistoryEvents: 8_000 },
      statedDelivery: { once: 'file', onceDays: 30 },
      reports: { byteOrderMark: false },
      retainMs: {},
      umask: 0o077,
      maxFileBytes: 16 * 1024 ** 3,
      minFreeBytes: undefined,
      api: {
        host: '127.0.0.1',
        port: undefined,
        token: undefined,
        maxUploadBytes: 8 * 1024 ** 3,
        maxRequestsPerSecond: 10_000,
        gatherMs: 500,
      },
      monitoring: { host: '127.0.0.1', port: 8481 },
    });
  });

  test('the settings are frozen to their depths', async () => {
    const settings = await load(undefined, { WDS_URL: URL_A });
    expect(() => Object.assign(settings.endpoint!.retry, { maximumAttempts: 1 })).toThrow(TypeError);
    expect(() => Object.assign(settings.endpoint as object, { url: URL_B })).toThrow(TypeError);
  });
});

describe('sources', () => {
  test('flags win over the environment, and the environment over the file, setting by setting', async () => {
    const yaml = `endpoint: { url: ${URL_A}, rate: 1, burst: 1, ambiguous: hold }`;
    const env = { WDS_RATE: '2', WDS_BURST: '2', WDS_AMBIGUOUS: '' };
    const { endpoint } = await load(yaml, env, { 'endpoint.rate': '3.5' });
    expect(endpoint).toMatchObject({ url: URL_A, rate: 3.5, burst: 2, ambiguous: 'hold' });
  });

  test('a rate may be given for a second, a minute or an hour, wherever it is given', async () => {
    const rates = [
      load(`endpoint: { url: ${URL_A}, rate: 100/s }`),
      load(undefined, { WDS_URL: URL_A, WDS_RATE: '6000/min' }),
      load(undefined, {}, { 'endpoint.url': URL_A, 'endpoint.rate': '360000 / hour' }),
    ];
    for (const { endpoint } of await Promise.all(rates)) expect(endpoint?.rate).toBe(100);
  });

  test("paths in the file are relative to the file's folder, others to the current folder", async () => {
    const cwd = await makeFolder({ 'etc/wds.yaml': 'home: state\ninbox: drop', 'here/.keep': '' });
    const here = join(cwd, 'here');
    const { settings } = await loadSettings({ cwd: here, env: { WDS_INBOX: 'in' }, configFile: '../etc/wds.yaml' });
    expect(settings.home).toBe(join(cwd, 'etc/state'));
    expect(settings.inbox).toBe(join(here, 'in'));
  });

  test('WDS_CONFIG names the file; --config wins over it', async () => {
    const cwd = await makeFolder({ 'a.yaml': 'logLevel: error', 'b.yaml': 'logLevel: debug' });
    const env = { WDS_CONFIG: 'a.yaml' };
    expect((await loadSettings({ cwd, env })).settings.logLevel).toBe('error');
    expect((await loadSettings({ cwd, env, configFile: 'b.yaml' })).settings.logLevel).toBe('debug');
  });

  test('a named file that is missing is a fault', async () => {
    const cwd = await makeFolder();
    const fault = await faultOf(loadSettings({ cwd, env: {}, configFile: 'nope.yaml' }));
    expect(fault.message).toContain('nope.yaml: there is no such file');
  });

  test('an empty file, and groups whose lines are all commented out, are fine', async () => {
    expect((await load('')).logLevel).toBe('info');
    expect((await load('# nothing\nendpoint:\n  retry:\nparse:\n', { WDS_URL: URL_A })).endpoint?.url).toBe(URL_A);
  });
});

describe('faults', () => {
  test('all of all sources are told at once, with key, value, expectation and line', async () => {
    const yaml = [
      'endpoint:',
      '  url: ftp://example.com',
      '  rate: 0',
      '  tiemoutSeconds: 5',
      '  secretEnv: NOT_SET',
      'header: false',
      'parse: 5',
    ].join('\n');
    const { message, nextStep } = await faultOf(load(yaml, { WDS_BURST: '1.5' }, { 'endpoint.ambiguous': 'maybe' }));
    expect(message.split('\n')).toEqual([
      '8 faults in the configuration:',
      expect.stringMatching(
        /^ {2}endpoint\.url: "ftp:\/\/example\.com.*", expected an http or https URL .*\(wds\.config\.yaml, line 2\)$/,
      ),
      '  endpoint.rate: 0, expected requests a second from 0.001 to 1000000 (100, 100/s, 6000/min), or auto, or unlimited (wds.config.yaml, line 3)',
      '  endpoint.tiemoutSeconds: unknown setting; did you mean endpoint.timeoutSeconds? (wds.config.yaml, line 4)',
      '  header: unknown setting; did you mean parse.header? (wds.config.yaml, line 6)',
      '  parse: 5, expected a group of settings (wds.config.yaml, line 7)',
      '  endpoint.burst: 1.5, expected a whole number from 0 to 1000000 (WDS_BURST)',
      '  endpoint.ambiguous: "maybe", expected resend or hold (--ambiguous)',
      '  endpoint.secretEnv: the environment variable NOT_SET is not set',
    ]);
    expect(nextStep).toContain('docs/configuration.md');
  });

  test.each([
    ['- a list', 'expected settings as "key: value" lines'],
    ['home: [', 'line 1'],
    ['home: a\nhome: b', 'line 2'],
    ['a: &a [x]\nb: *c', 'aliases cannot be resolved'],
    ['home: ""', 'home: "", expected the path of a folder'],
    ['home: same\ninbox: ./same/', 'expected another folder than home'],
    ['inbox: s3://Bad_Name/in', 'expected s3://bucket or s3://bucket/prefix'],
    ['inbox: s3:/alerts/in', 'expected s3://bucket or s3://bucket/prefix'],
    ['inbox: s3://alerts/wds/in\nstore: s3://alerts/wds', 'one lies within the other: s3://alerts/wds is the store'],
    ['inbox: s3://alerts\nstore: s3://alerts/wds', 'one lies within the other: s3://alerts/wds is the store'],
    ['inbox: s3://alerts/in\nintake: { sidecar: done }', 'files in a bucket have no sidecars'],
    ['store: /mnt/store', 'expected s3://bucket or s3://bucket/prefix'],
    ['store: s3://Bad_Name/x', 'expected s3://bucket or s3://bucket/prefix'],
    ['s3: { endpoint: http://127.0.0.1:9000 }', 'nothing lies on S3; expected store or inbox to be s3://bucket/prefix'],
    [
      'parse: { userIdColumn: Text, alertMessageColumn: text }',
      'expected another column than parse.alertMessageColumn',
    ],
    ['parse: { header: no }', 'parse.header: "no", expected true or false'],
    ['endpoint: { rate: 5 }', 'endpoint.url: missing'],
    [
      `endpoint: { url: ${URL_A}, retry: { initialSeconds: 5, maximumSeconds: 4 } }`,
      'endpoint.retry.maximumSeconds: 4',
    ],
    [
      `endpoint: { url: ${URL_A}, timeoutSeconds: 30 }\nshutdownGraceSeconds: 30`,
      'more than endpoint.timeoutSeconds (30)',
    ],
    ['temporal: { address: x }', 'TEMPORAL_ADDRESS'],
    ['endpoint: { secret: whsec_abc }', 'a secret does not belong here'],
  ])('%j is refused', async (yaml, expected) => {
    expect((await faultOf(load(yaml))).message).toContain(expected);
  });

  test.each(['https://user:geheim@example.com/', 'https://example.com/?token=geheim#part', '//geheim@example.com'])(
    'the URL %s is refused without showing what may be secret in it',
    async (url) => {
      const { message } = await faultOf(load(undefined, { WDS_URL: url }));
      expect(message).toContain('expected an http or https URL');
      expect(message).not.toContain('geheim');
    },
  );

  test.each(['0', '-1', 'NaN', 'Infinity', '1e9', '0x10', '10/week', 'Auto', ''])(
    'the rate %j is refused',
    async (rate) => {
      const { message } = await faultOf(load(undefined, {}, { 'endpoint.url': URL_A, 'endpoint.rate': rate }));
      expect(message).toContain('endpoint.rate:');
    },
  );

  test('whatever the file holds, the answer is settings or a configuration fault', () => {
    const keys = fc.constantFrom(
      ...listSettings().flatMap(({ key }) => key.split('.')),
      ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'unknown', ''],
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ depthSize: 'small' }, tie('leaf'), tie('group'), fc.array(tie('tree'), { maxLength: 2 })),
      leaf: fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.constant(null), keys),
      group: fc.dictionary(keys, tie('tree'), { noNullPrototype: true, maxKeys: 5 }),
    }));
    const run = fc.property(fc.dictionary(keys, tree, { noNullPrototype: true }), (value) => {
      const { options, faults } = yamlLayer(stringify(value), 'wds.config.yaml');
      expect(settingsSchema.safeParse(options).success).toBe(true);
      expect(configFault(faults).message).toMatch(/^\d+ faults? in the configuration:\n/);
      for (const { problem } of faults) expect(problem).toMatch(/expected|unknown setting|^[a-z ]+$/);
    });
    fc.assert(run, { numRuns: 500 });
  });

  test('a variable that looks like a misspelt one is a warning', async () => {
    const cwd = await makeFolder();
    const { warnings } = await loadSettings({
      cwd,
      env: { WDS_SECRT: 'x', WDS_URL: URL_A, WDS_FAILPOINT: 'a:1', HOME: '/' },
    });
    expect(warnings).toEqual(['WDS_SECRT is not a variable that wds reads; did you mean WDS_SECRET?']);
  });
});

describe('the endpoint', () => {
  test('a bare URL has a name of host, port and hash, and learns its rate', async () => {
    const { endpoint, delivery } = await load(undefined, {}, { 'endpoint.url': URL_B });
    expect(endpoint?.name).toMatch(/^127-0-0-1-8080-[0-9a-f]{8}$/);
    expect(endpoint).toMatchObject({
      rate: 'auto',
      burst: 0,
      ambiguous: 'resend',
      timeoutMs: 15_000,
      secrets: [],
    });
    expect(delivery).toMatchObject({ batchSize: 1000, parallelChunks: 4 });
  });

  test('whose quota may be used at once has batches of that size, where its window is stated', async () => {
    const yaml = `endpoint: { url: ${URL_A}, rate: 600/min, shape: burst }`;
    const { endpoint, delivery, parse } = await load(yaml);
    expect(endpoint).toMatchObject({ rate: 10, shape: 'burst', windowMs: 60_000 });
    expect(delivery).toMatchObject({ batchSize: 600 });
    expect(parse).toMatchObject({ chunkSize: 300 });
    const perSecond = await load(yaml.replace('600/min', '600/s'));
    expect(perSecond.endpoint).toMatchObject({ rate: 600, shape: 'burst' });
    expect(perSecond.endpoint).not.toHaveProperty('windowMs');
    const even = await load(yaml.replace('burst', 'even'));
    expect(even.endpoint).not.toHaveProperty('shape');
    expect(even.endpoint).not.toHaveProperty('windowMs');
    await expect(load(yaml.replace('burst', 'bursty'))).rejects.toThrow(
      /endpoint\.shape: "bursty", expected even or burst/,
    );
  });

  test('without a limit has larger batches, and more of them side by side', async () => {
    const { delivery, parse } = await load(undefined, {}, { 'endpoint.url': URL_B, 'endpoint.rate': 'unlimited' });
    expect(delivery).toMatchObject({ batchSize: 5000, parallelChunks: 16 });
    expect(parse).toMatchObject({ chunkSize: 5000 });
  });

  test('a configured one learns its rate', async () => {
    const { endpoint, delivery } = await load(`endpoint: { name: crm, url: ${URL_A} }`);
    expect(endpoint).toMatchObject({ name: 'crm', rate: 'auto', maxConnections: 64 });
    expect(delivery).toMatchObject({ batchSize: 1000, parallelChunks: 4 });
  });

  test('another URL is another endpoint: identity, limits and credentials of the file do not apply, the policy does', async () => {
    const yaml = [
      'endpoint:',
      '  name: crm',
      `  url: ${URL_A}`,
      '  rate: 7',
      '  ambiguous: hold',
      '  timeoutSeconds: 3',
      '  headers: { Authorization: geheim }',
      '  secretEnv: CRM_SECRET',
    ].join('\n');
    const { endpoint } = await load(yaml, { CRM_SECRET: 'whsec_x' }, { 'endpoint.url': URL_B });
    expect(endpoint).toMatchObject({
      rate: 'auto',
      ambiguous: 'hold',
      timeoutMs: 3_000,
      headers: {},
      secrets: [],
    });
    expect(endpoint?.name).toMatch(/^127-0-0-1-8080-/);
  });

  test('the same URL, said otherwise, is the same endpoint', async () => {
    const yaml = `endpoint: { name: crm, url: ${URL_A}, rate: 7 }`;
    const { endpoint } = await load(yaml, {}, { 'endpoint.url': 'HTTPS://A.example.com:443/hook' });
    expect(endpoint).toMatchObject({ name: 'crm', rate: 7, url: URL_A });
  });

  test.each([
    [1, 64, 1, 100, 4],
    [100, 64, 100, 100, 4],
    [400, 100, 400, 200, 4],
    [5000, 512, 1000, 1000, 16],
    [0.5, 64, 1, 100, 4],
  ])('at a rate of %d: %d connections, batches of %d, chunks of %d, %d lanes', async (rate, ...expected) => {
    const [maxConnections, batchSize, chunkSize, parallelChunks] = expected;
    const { endpoint, delivery, parse } = await load(`endpoint: { url: ${URL_A}, rate: ${rate} }`);
    expect(endpoint?.maxConnections).toBe(maxConnections);
    expect(delivery).toMatchObject({ batchSize, parallelChunks });
    expect(parse).toMatchObject({ chunkSize });
  });

  test('what is stated about delivery wins over what follows from the rate', async () => {
    const yaml = `endpoint: { url: ${URL_A}, rate: 10, maxConnections: 3 }\ndelivery: { batchSize: 5, parallelChunks: 2 }`;
    const { endpoint, delivery } = await load(yaml);
    expect(endpoint?.maxConnections).toBe(3);
    expect(delivery).toMatchObject({ batchSize: 5, parallelChunks: 2 });
  });

  test('seconds and hours become milliseconds, also in the delivery options', async () => {
    const retry = 'retry: { initialSeconds: 0.25, maximumSeconds: 60, maximumAttempts: 4, giveUpAfterHours: 2 }';
    const { endpoint, delivery } = await load(
      `endpoint: { url: ${URL_A}, timeoutSeconds: 1.5, ambiguous: hold, ${retry} }`,
    );
    const compiled = {
      initialIntervalMs: 250,
      maximumIntervalMs: 60_000,
      maximumAttempts: 4,
      giveUpAfterMs: 7_200_000,
    };
    expect(endpoint).toMatchObject({ timeoutMs: 1_500, maxRetryAfterMs: 3_600_000, retry: compiled });
    expect(endpoint).toMatchObject({ maximumUnanswered: 3 });
    expect(delivery).toMatchObject({ ambiguous: 'hold' });
  });
});

describe('an inbox on S3', () => {
  test('is a prefix of a bucket, from the file, the environment or a flag, with a folder of the home beside it', async () => {
    const cwd = await makeFolder({ 'wds.config.yaml': 'inbox: s3://alerts/in/crm/\ns3: { region: eu-west-1 }' });
    const { settings } = await loadSettings({ cwd, env: {} });
    const bucket = { bucket: 'alerts', prefix: 'in/crm', endpoint: undefined, region: 'eu-west-1', pathStyle: false };
    expect(settings.inboxes).toEqual([{ folder: expect.any(String), bucket, endpoints: [] }]);
    expect(settings.inboxes[0]!.folder.startsWith(join(cwd, '.wds/uploads/alerts-'))).toBe(true);
    expect(settings.inbox).toBe('s3://alerts/in/crm');
    expect(settings.store).toBeUndefined();
    const elsewhere = await loadSettings({ cwd: await makeFolder(), env: { WDS_INBOX: 's3://drops' } });
    expect(elsewhere.settings.inbox).toBe('s3://drops');
    const flags = { inbox: { value: 's3://other/x', flag: 'watch DIR' } };
    expect((await loadSettings({ cwd, env: {}, flags })).settings.inbox).toBe('s3://other/x');
  });

  test('several may lie in one bucket, side by side and beside the store, and one can be chosen', async () => {
    const yaml = `store: s3://alerts/wds
endpoints: { crm: { url: "http://crm/" }, sms: { url: "http://sms/" } }
inboxes: { "s3://alerts/crm": crm, "s3://alerts/sms": [sms, crm], "s3://alerts/wdsx": sms, local: sms }`;
    const cwd = await makeFolder({ 'wds.config.yaml': yaml });
    const { inboxes } = (await loadSettings({ cwd, env: {} })).settings;
    expect(inboxes.map(inboxPlace)).toEqual([
      ...['s3://alerts/crm', 's3://alerts/sms', 's3://alerts/wdsx'],
      join(cwd, 'local'),
    ]);
    expect(new Set(inboxes.map(({ folder }) => folder)).size).toBe(4);
    const flags = { inbox: { value: 's3://alerts/sms/', flag: 'watch DIR' } };
    const chosen = (await loadSettings({ cwd, env: {}, flags })).settings;
    expect(chosen.inboxes.map((one) => [inboxPlace(one), one.endpoints])).toEqual([
      ['s3://alerts/sms', ['sms', 'crm']],
    ]);
  });

  test('that lies within another one is refused, and neither is one stated twice', async () => {
    for (const [a, b] of [
      ['s3://alerts/in', 's3://alerts/in/crm'],
      ['s3://alerts', 's3://alerts/in'],
      ['s3://alerts/in', 's3://alerts/in/'],
    ]) {
      const yaml = `endpoint: { name: crm, url: "http://crm/" }\ninboxes: { "${a}": crm, "${b}": crm }`;
      const cwd = await makeFolder({ 'wds.config.yaml': yaml });
      await expect(loadSettings({ cwd, env: {} })).rejects.toThrow(`one lies within the other: ${a} is another inbox`);
    }
  });
});

describe('a store on S3', () => {
  test('is named by a URL, in short or as a setting of its group, and found with the defaults of the SDK', async () => {
    for (const text of ['store: s3://alerts/of/wds/', 'store: { location: s3://alerts/of/wds }']) {
      const cwd = await makeFolder({ 'wds.config.yaml': text });
      const { settings } = await loadSettings({ cwd, env: {}, flags: {}, temporal: {} });
      expect(settings.store).toEqual({
        ...{ bucket: 'alerts', prefix: 'of/wds', endpoint: undefined, region: undefined, pathStyle: false },
      });
    }
  });

  test('has no end: nothing is kept free for it, whatever is stated', async () => {
    for (const text of ['store: s3://alerts', 'store: s3://alerts\nintake: { minFreeMiB: 5 }']) {
      expect((await load(text)).minFreeBytes).toBe(0);
    }
    expect((await load('intake: { minFreeMiB: 5 }')).minFreeBytes).toBe(5 * 1024 ** 2);
  });

  test("of a service of one's own needs no region", async () => {
    const cwd = await makeFolder({});
    const env = { WDS_STORE: 's3://alerts', WDS_S3_ENDPOINT: 'http://127.0.0.1:9000', WDS_S3_PATH_STYLE: 'false' };
    const { settings } = await loadSettings({ cwd, env, flags: {}, temporal: {} });
    expect(settings.store).toEqual({
      ...{ bucket: 'alerts', prefix: '', endpoint: 'http://127.0.0.1:9000', region: 'us-east-1', pathStyle: false },
    });
    expect(settings.delivery.batchSize).toBe(1_000);
  });
});

describe('by the environment', () => {
  test('every setting can be stated: by its key in capitals, and a few by a short name', () => {
    const variables = listSettings().flatMap((entry) => entry.variables);
    expect(variables).toEqual(
      expect.arrayContaining([
        'WDS_ENDPOINT_NAME',
        'WDS_ENDPOINT_RETRY_MAXIMUM_SECONDS',
        'WDS_API_MAX_UPLOAD_MIB',
        'WDS_URL',
        'WDS_ENDPOINT_URL',
        'WDS_LOG_LEVEL',
      ]),
    );
    expect(listSettings().filter((entry) => entry.variables.length === 0)).toEqual([]);
    // None says two things.
    expect(new Set(variables).size).toBe(variables.length);
  });

  test('numbers, switches, lists and groups are what they are in the file, and text stays text', async () => {
    const settings = await load(undefined, {
      WDS_ENDPOINT_URL: URL_A,
      WDS_ENDPOINT_NAME: '007',
      WDS_ENDPOINT_TIMEOUT_SECONDS: '2.5',
      WDS_ENDPOINT_SUCCESS_STATUS: '[200, 202]',
      WDS_ENDPOINT_HEADERS: '{X-Tenant: acme, Authorization: {env: CRM_AUTHORIZATION}}',
      CRM_AUTHORIZATION: 'Bearer x',
      WDS_ENDPOINT_RETRY_MAXIMUM_ATTEMPTS: '4',
      WDS_PARSE_HEADER: 'false',
      WDS_REPORTS_BYTE_ORDER_MARK: 'true',
      WDS_INTAKE_SIDECAR: 'done',
      WDS_DELIVERY_STOP_AT_FAILURES: '5%',
    });
    expect(settings.endpoint).toMatchObject({
      name: '007',
      timeoutMs: 2_500,
      success: { statuses: [200, 202] },
      headers: { 'X-Tenant': 'acme', Authorization: 'Bearer x' },
      retry: { maximumAttempts: 4 },
    });
    expect(settings).toMatchObject({ parse: { header: false }, reports: { byteOrderMark: true }, sidecar: 'done' });
    expect(settings.statedDelivery.stopAtFailures).toBe(0.05);
  });

  test('the short name counts before the long one, and a fault names the variable that was set', async () => {
    const { endpoint } = await load(undefined, { WDS_URL: URL_B, WDS_ENDPOINT_URL: URL_A });
    expect(endpoint?.url).toBe(new URL(URL_B).href);
    const fault = await faultOf(
      load(undefined, { WDS_URL: URL_A, WDS_ENDPOINT_RATE: 'fast', WDS_ENDPOINT_HEADERS: '{a: [' }),
    );
    expect(fault.message).toContain('WDS_ENDPOINT_RATE');
    expect(fault.message).toContain('WDS_ENDPOINT_HEADERS');
  });

  test('a misspelt long name is noticed', async () => {
    const { warnings } = await loadSettings({ cwd: await makeFolder(), env: { WDS_ENDPOINT_TIMEOUT_SECOND: '3' } });
    expect(warnings).toEqual([expect.stringContaining('did you mean WDS_ENDPOINT_TIMEOUT_SECONDS?')]);
  });
});
