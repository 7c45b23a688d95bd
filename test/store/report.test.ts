import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { rangeScope } from '../../src/domain/ledger/journal.ts';
import { parseKey } from '../../src/domain/parse-options.ts';
import { FolderLedgers } from '../../src/store/folder-ledger.ts';
import { FolderStore } from '../../src/store/folder-store.ts';
import { writeReportFiles } from '../../src/store/report.ts';
import { FolderReports } from '../../src/store/report-files.ts';
import type { ReportRequest } from '../../src/store/report-rows.ts';
import { headers, REPORT_NAMES } from '../../src/store/report-rows.ts';
import { reportFolderName } from '../../src/store/report-shelf.ts';
import type { StagedAlerts } from '../support/delivery-fixture.ts';
import { csvRecords, stageAlerts, stageContent } from '../support/delivery-fixture.ts';

let staged: StagedAlerts;
afterEach(() => staged.remove());

const request = (changes: Partial<ReportRequest> = {}): ReportRequest => {
  const { sha256, parse } = staged;
  return { sha256, endpoint: 'test', parse, fileName: 'alerts.csv', workflowId: 'w', ...changes };
};
const wallMs = (): number => Date.UTC(2030, 0, 1);
const ledgers = () => new FolderLedgers({ store: staged.store, clock: { ...systemClock, wallMs }, boot: 'this run' });
const write = (changes: Partial<ReportRequest> = {}, reports = join(staged.root, 'reports'), store = staged.store) =>
  writeReportFiles({ store, ledgers: ledgers() }, new FolderReports(reports), request(changes), () => undefined);

/** Lines 2, 3, … in chunks of 4: delivered, rejected, undelivered, unconfirmed, waiting, open request, sent twice, nothing. */
async function journalled(): Promise<void> {
  for (const chunk of [1, 2]) {
    const of = { sha256: staged.sha256, endpoint: 'test', chunk };
    const attempt = { round: 1, scope: rangeScope(2, 9), parseKey: parseKey(staged.parse), durable: false };
    const ledger = await ledgers().open(of, attempt);
    await ledger.announce(chunk === 1 ? [2, 3, 4, 5] : [6, 7, 8]);
    if (chunk === 1) {
      ledger.record('d', 2, 200, 1);
      ledger.record('r', 3, 422, 1, 'HTTP 422, "no, never"');
      ledger.record('t', 4, 500, 10);
      ledger.record('u', 4, 500, 10, 'HTTP 500');
      ledger.record('c', 5, undefined, 1, 'not answered');
    } else {
      ledger.record('t', 6, 500, 2, 'HTTP 500');
      ledger.record('a', 8, undefined, 1, 'reset');
      await ledger.announce([8]);
      ledger.record('d', 8, 200, 2);
    }
    await ledger.close();
  }
}

test('accounts for each row of the file once, by what the receipts say', async () => {
  const user = (line: number): string => (line === 3 ? '=1+1' : `user-${line}`);
  staged = await stageAlerts(8, { chunkSize: 4, user, extraRows: ',no user\nuser-2,again\n' });
  await journalled();
  const summary = await write();
  expect(summary).toMatchObject({
    ...{ rows: 10, alerts: 8, delivered: 2, rejected: 1, undelivered: 1, unconfirmed: 1 },
    ...{ invalid: 1, duplicates: 1, pending: 3 },
  });
  const { reportDir, sha256 } = summary;
  const text = (name: string) => readFile(join(reportDir, name), 'utf8');
  const receipts = await csvRecords(join(reportDir, 'receipts.csv'));
  expect(receipts.map(({ line, outcome }) => `${line} ${outcome}`)).toEqual([
    ...['2 delivered', '3 rejected', '4 undelivered', '5 unconfirmed', '6 pending', '7 pending', '8 delivered'],
    '9 pending',
  ]);
  expect(receipts[0]).toEqual({
    ...{ userId: 'user-2', line: '2', outcome: 'delivered', status: '200', attempts: '1' },
    ...{ finishedAt: '2030-01-01T00:00:00.000Z', webhookId: `test_${sha256.slice(0, 32)}_2`, reason: '' },
  });
  expect(await text('receipts.csv')).toContain("\n'=1+1,3,rejected,422,");
  expect(await text('failed.csv')).toBe(
    `userId,alertMessage,wdsOrigin,outcome,reason\n` +
      `=1+1,hello 3,${sha256}:3,rejected,"HTTP 422, ""no, never"""\n` +
      `user-4,hello 4,${sha256}:4,undelivered,HTTP 500\n`,
  );
  expect(await csvRecords(join(reportDir, 'unconfirmed.csv'))).toMatchObject([{ userId: 'user-5' }]);
  const ambiguous = await csvRecords(join(reportDir, 'ambiguous.csv'));
  expect(ambiguous.map(({ line, unknownAnswers }) => [line, unknownAnswers])).toEqual([
    ['5', '1'],
    ['7', '1'],
    ['8', '1'],
  ]);
  expect(await text('invalid.csv')).toBe(
    `userId,alertMessage,line,reason,row,wdsOrigin\n,no user,10,missing_user_id,",no user",${sha256}:10\n`,
  );
  expect(await text('duplicates.csv')).toBe('line,firstLine,userId\n11,2,user-2\n');
  expect(JSON.parse(await text('report.json'))).toMatchObject({
    ...{ file: 'alerts.csv', endpoint: 'test', readToTheEnd: true, rows: 10, pending: 3 },
    ambiguous: { count: 3, lines: [5, 7, 8] },
  });
});

test('columns of the file that are named as wds names its own keep their names, and a mark is there on request', async () => {
  const content = 'OUTCOME,Reason\nuser-2,hello\n,no user\nuser-4,half\n';
  staged = await stageAlerts(1);
  const parse = { ...staged.parse, userIdColumn: 'outcome', alertMessageColumn: 'reason' };
  const { sha256 } = await stageContent(staged.store, parse, content);
  const { reportDir } = await write({ sha256, parse, byteOrderMark: true });
  const firstLine = async (name: string) => (await readFile(join(reportDir, name), 'utf8')).split('\n')[0];
  expect(await firstLine('failed.csv')).toBe('\ufeffoutcome,reason,wdsOrigin,wdsOutcome,wdsReason');
  expect(await firstLine('invalid.csv')).toBe('\ufeffoutcome,reason,line,wdsReason,row,wdsOrigin');
  expect(await firstLine('receipts.csv')).toMatch(/^\ufeffuserId,line,/);
  expect(JSON.parse(await readFile(join(reportDir, 'report.json'), 'utf8'))).toMatchObject({ rows: 3, invalid: 1 });
});

test('the rows of a file without a header can be mended, too: the reports have one', async () => {
  staged = await stageAlerts(1);
  const parse = { ...staged.parse, header: false };
  const { sha256 } = await stageContent(staged.store, parse, 'user-1,hello\n,nobody\n');
  const attempt = { round: 1, scope: rangeScope(1, 1), parseKey: parseKey(parse), durable: false };
  const ledger = await ledgers().open({ sha256, endpoint: 'test', chunk: 1 }, attempt);
  await ledger.announce([1]);
  ledger.record('r', 1, 422, 1, 'HTTP 422');
  await ledger.close();
  const { reportDir } = await write({ sha256, parse });
  expect(await csvRecords(join(reportDir, 'failed.csv'))).toMatchObject([
    { userId: 'user-1', alertMessage: 'hello', wdsOrigin: `${sha256}:1` },
  ]);
  expect(await csvRecords(join(reportDir, 'invalid.csv'))).toMatchObject([
    { userId: '', alertMessage: 'nobody', wdsOrigin: `${sha256}:2` },
  ]);
});

test('what ended in an earlier round only is pending in a later one, but for delivered and unconfirmed', async () => {
  staged = await stageAlerts(8, { chunkSize: 4 });
  await journalled();
  expect(await write({ round: 1 })).toMatchObject({ delivered: 2, rejected: 1, undelivered: 1, pending: 3 });
  expect(await write({ round: 2 })).toMatchObject({ delivered: 2, rejected: 0, undelivered: 0, unconfirmed: 1 });
});

test('what the round has delivered itself is told from what was delivered before, or as the row of another file', async () => {
  staged = await stageAlerts(8, { chunkSize: 4 });
  await journalled();
  const attempt = { round: 2, scope: rangeScope(2, 5), parseKey: parseKey(staged.parse), durable: false };
  const ledger = await ledgers().open({ sha256: staged.sha256, endpoint: 'test', chunk: 1 }, attempt);
  await ledger.announce([3]);
  ledger.record('d', 3, 200, 1);
  ledger.record('d', 4, undefined, 0, 'delivered as abc:7');
  await ledger.close();
  expect(await write({ round: 1 })).toMatchObject({ delivered: 4, sentNow: 2 });
  expect(await write({ round: 2 })).toMatchObject({ delivered: 4, sentNow: 1 });
  // The fixture has begun round 1 only: a look from outside tells of the newest.
  expect(await write()).toMatchObject({ delivered: 4, sentNow: 2 });
});

test('a file that was not read yet has an empty report that says so', async () => {
  staged = await stageAlerts(3);
  const { reportDir, rows } = await write({ parse: { ...staged.parse, chunkSize: 99 } });
  expect(rows).toBe(0);
  expect(JSON.parse(await readFile(join(reportDir, 'report.json'), 'utf8'))).toMatchObject({ readToTheEnd: false });
});

describe('rows that were deleted from the store', () => {
  const files = async (reportDir: string) =>
    Promise.all((await readdir(reportDir)).map(async (name) => [name, await readFile(join(reportDir, name), 'utf8')]));

  test('make no report of zeros: it is said, and the earlier one stays', async () => {
    staged = await stageAlerts(8, { chunkSize: 4 });
    await journalled();
    const { reportDir } = await write();
    const before = await files(reportDir);
    await staged.store.delete(`${staged.sha256}/chunks-${await chunksFolder()}`);
    await expect(write()).rejects.toMatchObject({ name: 'ChunksMissing', code: 'store' });
    expect(await files(reportDir)).toEqual(before);
    for (const store of [staged.store, new FolderStore(staged.storeFolder)]) {
      await expect(write({ round: 1 }, undefined, store)).rejects.toMatchObject({ name: 'ChunksMissing' });
    }
  });

  test('are missed by the receipts, too, where there is no earlier report', async () => {
    staged = await stageAlerts(8, { chunkSize: 4 });
    await journalled();
    await staged.store.delete(`${staged.sha256}/chunks-${await chunksFolder()}`);
    await expect(write()).rejects.toMatchObject({ name: 'ChunksMissing' });
  });

  test('are not meant where the store does not know the file at all', async () => {
    staged = await stageAlerts(8, { chunkSize: 4 });
    const elsewhere = new FolderStore(join(staged.root, 'empty'));
    await expect(write({ round: 1 }, undefined, elsewhere)).rejects.toMatchObject({ name: 'Fault', code: 'store' });
  });

  test('in part are no part of a report either', async () => {
    staged = await stageAlerts(8, { chunkSize: 4 });
    await journalled();
    await staged.store.delete(`${staged.sha256}/chunks-${await chunksFolder()}/0001.alerts`);
    await expect(write()).rejects.toMatchObject({ name: 'ChunksMissing' });
  });
});

test('has a page for people, with its failures, an example each, and what to do', async () => {
  staged = await stageAlerts(8, { chunkSize: 4, user: (line) => (line === 3 ? '<b>x' : `user-${line}`) });
  await journalled();
  const { reportDir, sha256 } = await write();
  const page = await readFile(join(reportDir, 'report.html'), 'utf8');
  expect(page).toContain('2 of 8 alerts delivered; 3 have no outcome yet');
  expect(page).toContain('HTTP 422, &quot;no, never&quot;');
  expect(page).toContain('line 3, &lt;b&gt;x');
  expect(page).toContain(`wds retry ${sha256.slice(0, 12)} --unconfirmed`);
  expect(page).toContain('Over time');
});

test('two that are written at once do not get into each other, and leave nothing else behind', async () => {
  staged = await stageAlerts(400, { chunkSize: 50 });
  const [one] = await Promise.all([write(), write(), write({ round: 9 })]);
  const names = ['ambiguous', 'duplicates', 'failed', 'invalid', 'receipts', 'suppressed', 'unconfirmed'].map(
    (each) => `${each}.csv`,
  );
  expect((await readdir(one.reportDir)).sort()).toEqual([...names, 'report.html', 'report.json'].sort());
  expect(await csvRecords(join(one.reportDir, 'receipts.csv'))).toHaveLength(400);
});

test('one that breaks off leaves the earlier one, and nothing of itself', async () => {
  staged = await stageAlerts(8, { chunkSize: 4 });
  const { reportDir } = await write();
  const before = await readFile(join(reportDir, 'report.json'), 'utf8');
  const names = await readdir(reportDir);
  await staged.store.put(`${staged.sha256}/chunks-${await chunksFolder()}/0001.alerts`, 'damaged');
  await expect(write()).rejects.toMatchObject({ code: 'store' });
  expect(await readdir(reportDir)).toEqual(names);
  expect(await readFile(join(reportDir, 'report.json'), 'utf8')).toBe(before);
});

async function chunksFolder(): Promise<string> {
  const [name = ''] = (await staged.store.list(staged.sha256)).filter((each) => each.startsWith('chunks-'));
  return name.slice('chunks-'.length);
}

test('a reports folder that cannot be made is a fault with a name', async () => {
  staged = await stageAlerts(1);
  await staged.store.put('reports', 'a file');
  const written = write({}, join(staged.storeFolder, 'reports'));
  await expect(written).rejects.toMatchObject({ code: 'store', message: expect.stringContaining('ENOTDIR') });
});

test('folders are named for people, and never out of the reports folder', () => {
  expect(reportFolderName('Größe 1/2.csv', 'abcdef0123', 'crm')).toBe('Größe_1_2.csv-abcdef01-crm');
  expect(reportFolderName('../../etc', 'abcdef0123', 'crm')).not.toContain('/');
  expect(reportFolderName('...', 'abcdef0123', 'crm')).toBe('file-abcdef01-crm');
});

test('the files of a report are named in one list', async () => {
  staged = await stageAlerts(1);
  expect(Object.keys(headers(request(), [])).sort()).toEqual(REPORT_NAMES);
});
