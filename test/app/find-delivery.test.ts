import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SeveralFiles } from '../../src/app/app.ts';
import { findDelivery } from '../../src/app/find-delivery.ts';
import { DEFAULT_PARSE_OPTIONS } from '../../src/domain/parse-options.ts';
import { settleDeliveryRecord } from '../../src/store/delivery-record.ts';
import { rememberName } from '../../src/store/file-names.ts';
import { FolderStore } from '../../src/store/folder-store.ts';
import { openKnownStore } from '../../src/store/open-store.ts';

let home: string;
let store: FolderStore;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'wds-names-'));
  store = new FolderStore(join(home, 'store'));
});
afterEach(() => rm(home, { recursive: true }));

const hashOf = (bytes: string): string => createHash('sha256').update(bytes).digest('hex');

interface Submission {
  readonly name: string;
  readonly bytes: string;
  readonly endpoint?: string;
  readonly day?: number;
}

async function submit({ name, bytes, endpoint = 'crm', day = 1 }: Submission, named = true): Promise<string> {
  const sha256 = hashOf(bytes);
  if (named) await rememberName(store, name, { sha256, endpoint });
  await settleDeliveryRecord(store, {
    sha256,
    endpoint,
    fileName: name,
    workflowId: `file-${sha256}-${endpoint}`,
    parse: { ...DEFAULT_PARSE_OPTIONS, format: 'csv' },
    firstSubmittedAt: new Date(2026, 0, day, 14, 3).toISOString(),
  });
  return sha256;
}

const found = async (file: string, endpoint?: string) => (await findDelivery(store, file, endpoint)).workflowId;
const refusal = async (file: string, endpoint?: string): Promise<SeveralFiles> => {
  const error = await findDelivery(store, file, endpoint).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SeveralFiles);
  return error as SeveralFiles;
};

describe('a file is found by', () => {
  test('the name it was dropped under, with whatever characters, and any path to where it lay', async () => {
    for (const name of ['invoices.csv', 'Größe & "x" $(y).csv.gz', '-o.csv', '.. .json', 'a'.repeat(240)]) {
      const sha256 = await submit({ name, bytes: name });
      expect(await found(name)).toBe(`file-${sha256}-crm`);
      expect(await found(join('/no/such/inbox', name))).toBe(`file-${sha256}-crm`);
    }
  });

  test('each of the names that its bytes were dropped under', async () => {
    const sha256 = await submit({ name: 'monday.csv', bytes: 'same' });
    await submit({ name: 'tuesday.csv', bytes: 'same' });
    expect([await found('monday.csv'), await found('tuesday.csv')]).toEqual(Array(2).fill(`file-${sha256}-crm`));
  });

  test('its hash, 8 digits of it or more in any case, its workflow ID, and its bytes', async () => {
    const sha256 = await submit({ name: 'a.csv', bytes: 'bytes' });
    const copy = join(home, 'copy.csv');
    await writeFile(copy, 'bytes');
    const ways = [sha256, sha256.slice(0, 8), sha256.slice(0, 13).toUpperCase(), `file-${sha256}-crm`, copy];
    for (const way of ways) expect(await found(way)).toBe(`file-${sha256}-crm`);
  });

  test('a name of before names were kept, also beside newer ones', async () => {
    const early = await submit({ name: 'a.csv', bytes: 'early' }, false);
    const late = await submit({ name: 'a.csv', bytes: 'late', day: 2 });
    expect((await refusal('a.csv')).message).toContain(early.slice(0, 8));
    expect((await refusal('a.csv')).newest).toBe(late.slice(0, 8));
  });
});

describe('what is not clear is refused', () => {
  test('several of one name are listed, newest first, with date, rows and what to type', async () => {
    const old = await submit({ name: 'a.csv', bytes: 'old' });
    const young = await submit({ name: 'a.csv', bytes: 'young', day: 2 });
    const { message, newest, code } = await refusal('a.csv');
    expect(message.split('\n')).toEqual([
      '2 files are called a.csv:',
      `  ${young.slice(0, 8)}  2026-01-02 14:03  rows unknown  crm`,
      `  ${old.slice(0, 8)}  2026-01-01 14:03  rows unknown  crm`,
    ]);
    expect([newest, code]).toEqual([young.slice(0, 8), 'not_found']);
    expect(await found(newest)).toBe(`file-${young}-crm`);
  });

  test('one at several endpoints, unless one is configured; what is listed stands for one alone', async () => {
    const sha256 = await submit({ name: 'a.csv', bytes: 'x', endpoint: 'crm' });
    await submit({ name: 'a.csv', bytes: 'x', endpoint: 'erp', day: 2 });
    expect(await found('a.csv', 'crm')).toBe(`file-${sha256}-crm`);
    const { newest, message } = await refusal('a.csv');
    expect(message).toContain(`file-${sha256}-crm  2026-01-01`);
    expect(newest).toBe(`file-${sha256}-erp`);
    expect(await found(newest)).toBe(newest);
  });

  test('a file at hand whose name is known and whose bytes are not', async () => {
    const sha256 = await submit({ name: 'a.csv', bytes: 'as dropped' });
    await writeFile(join(home, 'a.csv'), 'corrected since');
    const { message, newest } = await refusal(join(home, 'a.csv'));
    expect(message).toContain('were never delivered');
    expect(newest).toBe(sha256.slice(0, 8));
  });
});

test('what nobody knows is not found, and a name without a delivery is none', async () => {
  await rememberName(store, 'ghost.csv', { sha256: hashOf('ghost'), endpoint: 'crm' });
  for (const file of ['ghost.csv', 'b.csv', 'deadbeef', home]) {
    await expect(findDelivery(store, file, undefined)).rejects.toMatchObject({ code: 'not_found' });
  }
});

test('a mistyped home is said, and not made', async () => {
  await expect(openKnownStore({ home: join(home, 'typo'), store: undefined })).rejects.toMatchObject({
    code: 'not_found',
  });
  await mkdir(join(home, 'empty'));
  await expect(openKnownStore({ home: join(home, 'empty'), store: undefined })).rejects.toThrow(
    'there is no store in it',
  );
});
