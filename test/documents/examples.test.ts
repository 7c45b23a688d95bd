/** Every example in the documents that is no command holds: settings load, answers have the shape that is promised, code of receivers checks signatures. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import type { z } from 'zod';
import { posted, problem, uploaded } from '../../src/api/schemas.ts';
import { previewFile } from '../../src/app/preview.ts';
import { foundText } from '../../src/cli/find-output.ts';
import { endText } from '../../src/cli/output.ts';
import { loadSettings } from '../../src/config/load.ts';
import { NOTICE_TYPES } from '../../src/domain/notices/notice.ts';
import { createSigner } from '../../src/endpoint/signing.ts';
import { FOUND } from '../api/fake-served-app.ts';
import { ended, RESULT } from '../cli/fake-app.ts';
import { makeFolder } from '../config/folder.ts';
import type { Block } from './documents.ts';
import { blocks, blocksOf, blockWith, ROOT } from './documents.ts';
import { presupposedWith, SECRET, VARIABLES } from './presupposed.ts';

const at = ({ path, line }: Block): string => `${path}:${line}`;
const shown = (chosen: readonly Block[]) => chosen.map((block) => [at(block), block] as const);
const PROMETHEUS = 'scrape_configs:';

test('no kind of example is left out', () => {
  const checked = ['sh', 'yaml', 'json', 'csv', 'js', 'python', 'ts', ''];
  expect(blocks.filter(({ language }) => !checked.includes(language)).map(at)).toEqual([]);
});

describe('settings', () => {
  const ours = blocksOf('yaml').filter(({ text }) => !text.includes(PROMETHEUS));
  test.each(shown(ours))('%s loads', async (_, { text }) => {
    const cwd = await makeFolder(presupposedWith(text));
    const stated = parse(text) as { endpoint?: { url?: string }; endpoints?: object };
    const isWhole = stated.endpoints !== undefined || stated.endpoint?.url !== undefined;
    const env = { ...VARIABLES, ...(isWhole ? {} : { WDS_URL: 'https://example.com/hook' }) };
    const { settings, warnings } = await loadSettings({ cwd, env });
    expect(settings.endpoints.length).toBeGreaterThan(0);
    expect(warnings).toEqual([]);
  });

  test('of Prometheus name the rules that there are', () => {
    const { rule_files: rules } = parse(blockWith('docs/operations.md', PROMETHEUS).text) as { rule_files: string[] };
    expect(rules.filter((name) => !existsSync(join(ROOT, 'deploy/prometheus', name)))).toEqual([]);
  });
});

describe('what is answered and told', () => {
  const keysOf = (value: object): string[] => Object.keys(value).sort();
  const json = (path: string, piece: string): unknown => JSON.parse(blockWith(path, piece).text);

  test.each(shown(blocksOf('json')))('%s is JSON', (_, { text }) => {
    const documents = text.startsWith('{\n') ? [text] : text.trim().split('\n');
    for (const one of documents) JSON.parse(one);
  });

  test.each<[string, z.ZodType, string]>([
    ['an upload', uploaded, '"sizeBytes"'],
    ['a post', posted, '"repeated"'],
    ['a problem', problem, 'about:blank'],
  ])('of %s has the shape that the API promises', (_, schema, piece) => {
    expect(schema.safeParse(json('docs/api.md', piece)).error).toBeUndefined();
  });

  test('of wds send has the members that there are', () => {
    expect(keysOf(json('docs/guide.md', '"reportDir"') as object)).toEqual(keysOf(RESULT));
  });

  test('of a notification is of a type that there is', () => {
    expect(NOTICE_TYPES).toContain((json('docs/notifications.md', '"timestamp"') as { type: string }).type);
  });

  test('of wds send is what it prints', () => {
    const { text } = blockWith('README.md', '250 of 250');
    const counts = { rows: 252, alerts: 250, delivered: 250, sentNow: 250, invalid: 1, duplicates: 1, seconds: 4.8 };
    const invalidRows = [{ reason: 'missing_user_id', rows: 1, firstLine: 185 }] as const;
    const reportDir = '/srv/wds/.wds/reports/alerts.csv-e36c4532-example-com-443-19f13522';
    const end = ended({ ...counts, reportDir, invalidReasons: invalidRows });
    expect(`${endText(end, (written) => written)}\n`).toBe(text);
  });

  test('of wds find is what it prints', () => {
    const { text } = blockWith('docs/guide.md', 'OUTCOME    WHEN');
    const row = /^(\w+) +(\S+) (\S+) +(\S+) +(\d+) {2}(.*)$/gm;
    const alerts = [...text.matchAll(row)].map(([, outcome = '', day, time, file = '', line, reason = '']) => ({
      ...FOUND.alerts[0]!,
      ...{ outcome: outcome as 'delivered', at: new Date(`${day}T${time}`).toISOString(), file, line: Number(line) },
      ...(/^HTTP 2/.test(reason) ? { status: 200, reason: '' } : { reason }),
    }));
    expect(alerts).toHaveLength(2);
    expect(`${foundText({ userId: '4711', alerts, more: 0, unsearched: [] }, (written) => written)}\n`).toBe(text);
  });
});

test.each(shown(blocksOf('csv')))('%s can be delivered as it stands', async (_, { text }) => {
  const cwd = await makeFolder(presupposedWith('endpoint: {url: https://example.com/hook}'));
  await writeFile(join(cwd, 'alerts.csv'), text);
  const { settings } = await loadSettings({ cwd, env: {} });
  const { counts } = await previewFile(join(cwd, 'alerts.csv'), settings);
  const rows = text.trim().split('\n').length - 1;
  expect(counts).toMatchObject({ rows, alerts: rows, invalid: 0, duplicates: 0 });
});

describe("a receiver's check of a signature", () => {
  const body = '{"userId":"user-1000","alertMessage":"Grüezi"}';
  const signed = (key: string, ageSeconds = 0): Record<string, string> => {
    const timestamp = String(Math.floor(Date.now() / 1_000) - ageSeconds);
    const signature = createSigner([key])!('crm_1', timestamp, body);
    return { 'webhook-id': 'crm_1', 'webhook-timestamp': timestamp, 'webhook-signature': `v1,AAAA ${signature}` };
  };
  const other = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
  const cases = [signed(SECRET), signed(other), signed(SECRET, 3_600), { 'webhook-timestamp': 'x' }];
  const verdicts = [true, false, false, false];

  test('in JavaScript takes what wds signs, and nothing else', async () => {
    const folder = await makeFolder({ 'check.mjs': blockWith('docs/guide.md', 'isGenuine').text });
    vi.stubEnv('WEBHOOK_SECRET', SECRET);
    const { isGenuine } = (await import(pathToFileURL(join(folder, 'check.mjs')).href)) as {
      isGenuine: (headers: object, body: Buffer) => boolean;
    };
    vi.unstubAllEnvs();
    expect(cases.map((headers) => isGenuine(headers, Buffer.from(body)))).toEqual(verdicts);
  });

  test('in Python, too', async () => {
    const check = blockWith('docs/guide.md', 'is_genuine').text;
    const program = `${check}\nimport json, sys\ngiven = json.loads(sys.argv[1])\nprint(json.dumps([is_genuine(h, given["body"].encode()) for h in given["cases"]]))`;
    const env = { ...process.env, WEBHOOK_SECRET: SECRET };
    const { stdout } = await promisify(execFile)('python3', ['-c', program, JSON.stringify({ body, cases })], { env });
    expect(JSON.parse(stdout)).toEqual(verdicts);
  });
});
