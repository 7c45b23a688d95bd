/** `wds send` on each kind of file, against a receiver of its own process: every alert once, with its own text, and a receipt for each. */
import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FileResult } from '../../src/app/app.ts';
import type { TestAlert } from './support/alert-files.ts';
import { alerts, asCsv, asJsonArray, asNdjson, gzipped } from './support/alert-files.ts';
import { Site } from './support/site.ts';
import { EACH_ONCE } from './support/test-receiver.ts';

let site: Site;

beforeAll(async () => {
  site = await Site.open();
  await site.receive();
  await site.worker();
});
afterAll(() => site.close());

const RESULT_FIELDS = [
  ...['file', 'sha256', 'workflowId', 'rows', 'alerts', 'delivered', 'rejected', 'undelivered', 'unconfirmed'],
  ...['suppressed', 'invalid', 'duplicates', 'sentNow', 'alreadyDelivered', 'seconds', 'reportDir'],
];

/** Sends a file, and holds the receiver's log, the printed object and the receipts against its alerts. */
async function expectDelivered(
  name: string,
  content: string | Uint8Array,
  input: readonly TestAlert[],
  { flags = [], rows = input.length }: { flags?: readonly string[]; rows?: number } = {},
): Promise<FileResult> {
  await site.receiver.lookAway();
  const path = await site.write(name, content);
  const { code, stderr, result } = await site.send(path, ...flags);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(Object.keys(result)).toEqual(RESULT_FIELDS);
  const counts = { alerts: input.length, delivered: input.length, rejected: 0, undelivered: 0, unconfirmed: 0 };
  expect(result).toMatchObject({ file: path, rows, ...counts });
  expect(result.workflowId).toBe(`file-${result.sha256}-crm`);
  expect(await site.receiver.verdict(input)).toEqual(EACH_ONCE);

  const receipts = await site.report(result, 'receipts.csv');
  const arrived = new Map((await site.receiver.accepted()).map((one) => [one.userId, one.webhookId]));
  expect(receipts).toHaveLength(input.length);
  for (const [at, { userId }] of input.entries()) {
    const found = receipts[at];
    const expected = { outcome: 'delivered', status: '200', attempts: '1', reason: '', webhookId: arrived.get(userId) };
    expect(found).toMatchObject({ userId: forSpreadsheet(userId), ...expected });
    expect(Date.parse(found?.finishedAt ?? '')).toBeGreaterThan(0);
  }
  return result;
}

/** Reports that people open in a spreadsheet must not run as formulas there. */
const forSpreadsheet = (text: string): string => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);

describe('wds send', () => {
  it('delivers a CSV file: every alert once, a receipt for each, exit code 0', async () => {
    const input = alerts(1_000, 'csv');
    await expectDelivered('alerts.csv', asCsv(input), input);
  });

  it('delivers newline-delimited JSON', async () => {
    const input = alerts(1_000, 'ndjson');
    await expectDelivered('alerts.ndjson', asNdjson(input), input);
  });

  it('delivers a JSON array', async () => {
    const input = alerts(1_000, 'json');
    await expectDelivered('alerts.json', asJsonArray(input), input);
  });

  it('delivers a gzipped file', async () => {
    const input = alerts(2_500, 'gz');
    await expectDelivered('alerts.csv.gz', gzipped(asCsv(input)), input);
  });

  it('delivers a table that nobody here wrote, with its columns mapped: airports.csv, 3,376 users', async () => {
    const table = readFileSync('node_modules/vega-datasets/data/airports.csv');
    const rows = parse(table, { columns: true }) as Record<'iata' | 'name', string>[];
    const input = rows.map(({ iata, name }) => ({ userId: iata, alertMessage: name }));
    expect(input).toHaveLength(3_376);
    await expectDelivered('airports.csv', table, input, {
      flags: ['--user-column', 'iata', '--message-column', 'name'],
    });
  });

  it('delivers odd texts byte for byte, and defuses formulas in the reports only', async () => {
    const input = [
      { userId: 'comma, inside', alertMessage: 'a, b, c' },
      { userId: 'quote " inside', alertMessage: 'say "hello"' },
      { userId: 'line\nbreak', alertMessage: 'one\r\ntwo\n' },
      { userId: 'émoji 🚀', alertMessage: '👩‍👩‍👧 — שלום \u2028 end' },
      { userId: '=1+2', alertMessage: '=HYPERLINK("http://example.com")' },
      { userId: '+15550100', alertMessage: '+1 for you' },
      { userId: '-5', alertMessage: '-' },
      { userId: '@cell', alertMessage: '@' },
      { userId: ' outer space ', alertMessage: ' kept ' },
      { userId: '\\back\\slash', alertMessage: '\\n is not a line break; \t is a tab' },
      { userId: '007', alertMessage: '{"userId":"not me"}' },
    ];
    await expectDelivered('odd.csv', `\ufeff${asCsv(input)}`, input);
  });

  it('sends one alert a user, and lists invalid rows and duplicates by their line', async () => {
    const more = alerts(10, 'more');
    const text = `userId,alertMessage\na,first\nb,\na,second\n,nobody\nc,third\n${asCsv(more).split('\n').slice(1).join('\n')}`;
    const input = [{ userId: 'a', alertMessage: 'first' }, { userId: 'c', alertMessage: 'third' }, ...more];
    const result = await expectDelivered('mixed.csv', text, input, { rows: 15, flags: ['--allow-invalid'] });
    expect(result).toMatchObject({ invalid: 2, duplicates: 1 });
    expect(await site.report(result, 'invalid.csv')).toMatchObject([
      { line: '3', reason: 'missing_message' },
      { line: '5', reason: 'missing_user_id' },
    ]);
    expect(await site.report(result, 'duplicates.csv')).toEqual([{ line: '4', firstLine: '2', userId: 'a' }]);
  });

  it('sends nothing of a file with a fault at its very end, names the line, and exits with 65', async () => {
    await site.receiver.lookAway();
    const path = await site.write('broken.csv', `${asCsv(alerts(10_000, 'broken'))}last,"never closed`);
    const ended = await site.wds('send', path, '-o', 'json');
    expect(ended).toMatchObject({ code: 65 });
    expect(ended.stderr).toContain('10002');
    expect(JSON.parse(ended.stdout)).toMatchObject({ file: path, error: { code: 'file_refused', exitCode: 65 } });
    expect(await site.receiver.requests()).toEqual([]);
  });

  it('refuses a kind of file that it does not read with exit code 65, and says which it reads', async () => {
    const ended = await site.wds('send', await site.write('alerts.xlsx', 'no'));
    expect(ended).toMatchObject({ code: 65, stdout: '' });
    expect(ended.stderr).toContain('.ndjson');
  });

  it('exits with 5 for a file that is not there', async () => {
    const ended = await site.wds('send', 'nowhere.csv');
    expect(ended).toMatchObject({ code: 5, stdout: '' });
    expect(ended.stderr).toContain('nowhere.csv');
  });
});
