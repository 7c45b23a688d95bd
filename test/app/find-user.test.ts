import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FoundUser } from '../../src/app/find-user.ts';
import { findUser } from '../../src/app/find-user.ts';
import { systemClock } from '../../src/clock.ts';
import { rangeScope } from '../../src/domain/ledger/journal.ts';
import { parseKey } from '../../src/domain/parse-options.ts';
import { settleDeliveryRecord, settleOptions } from '../../src/store/delivery-record.ts';
import { FolderLedgers } from '../../src/store/folder-ledger.ts';
import { windowKey } from '../../src/store/layout.ts';
import { writeRefusal } from '../../src/store/refusals.ts';
import type { StagedAlerts } from '../support/delivery-fixture.ts';
import { stageAlerts, stageContent } from '../support/delivery-fixture.ts';

let staged: StagedAlerts;
let said: string[];
beforeEach(async () => {
  said = [];
  staged = await stageAlerts(10, { chunkSize: 4 });
});
afterEach(() => staged.remove());

const find = (userId: string, limit = 100): Promise<FoundUser> =>
  findUser({ at: { home: staged.root, store: undefined }, userId, limit, say: (text) => said.push(text) });

const wallMs = (): number => Date.UTC(2030, 0, 1);

/** Lines 6 to 9 are the second chunk. */
async function send(endpoint = 'test'): Promise<void> {
  const ledgers = new FolderLedgers({ store: staged.store, clock: { ...systemClock, wallMs }, boot: 'this run' });
  const attempt = { round: 1, scope: rangeScope(6, 9), parseKey: parseKey(staged.parse), durable: false };
  const ledger = await ledgers.open({ sha256: staged.sha256, endpoint, chunk: 2 }, attempt);
  await ledger.announce([6, 7, 8]);
  ledger.record('d', 6, 200, 1);
  ledger.record('r', 7, 422, 1, 'HTTP 422: no such user');
  await ledger.close();
}

describe('a user is found', () => {
  test('with file, line, time, outcome and answer', async () => {
    await send();
    expect(await find('user-6')).toMatchObject({
      userId: 'user-6',
      more: 0,
      unsearched: [],
      alerts: [
        {
          ...{
            file: 'alerts.csv',
            sha256: staged.sha256,
            endpoint: 'test',
            line: 6,
            outcome: 'delivered',
            status: 200,
          },
          ...{ attempts: 1, at: '2030-01-01T00:00:00.000Z', reason: '', unknownAnswers: 0 },
          webhookId: `test_${staged.sha256.slice(0, 32)}_6`,
        },
      ],
    });
    const rejected = { outcome: 'rejected', status: 422, reason: 'HTTP 422: no such user', line: 7 };
    expect((await find('user-7')).alerts).toMatchObject([rejected]);
    expect((await find('user-8')).alerts).toMatchObject([{ outcome: 'pending', unknownAnswers: 1, line: 8 }]);
    expect((await find('user-11')).alerts).toMatchObject([{ outcome: 'pending', at: null, status: null, line: 11 }]);
  });

  test('exactly, and nobody else', async () => {
    for (const user of ['user-1', 'user-66', 'User-6', 'user-6 ', '', 'x'.repeat(600)]) {
      expect((await find(user)).alerts).toEqual([]);
    }
  });

  test('in every file and at every endpoint, the newest first, as many as are asked for', async () => {
    await send();
    const { store, sha256, parse } = staged;
    const of = { sha256, endpoint: 'erp', fileName: 'alerts.csv', workflowId: 'w2', firstSubmittedAt: '2030-01-02' };
    await settleDeliveryRecord(store, { ...of, parse });
    await settleOptions(store, of, parse);
    await stageContent(store, parse, 'userId,alertMessage\nsomebody,hi\nuser-6,again\n');
    const { alerts } = await find('user-6');
    expect(alerts.map(({ endpoint, line, outcome }) => [endpoint, line, outcome])).toEqual([
      ['erp', 6, 'pending'],
      ...[
        ['test', 6, 'delivered'],
        ['test', 3, 'pending'],
      ].sort((a, b) => alerts.findIndex(({ line }) => line === a[1]) - alerts.findIndex(({ line }) => line === b[1])),
    ]);
    expect(await find('user-6', 1)).toMatchObject({ alerts: [{ endpoint: 'erp' }], more: 2 });
  });

  test('after the chunks were deleted', async () => {
    await send();
    const before = await find('user-7');
    await rm(join(staged.storeFolder, staged.sha256, `chunks-${parseKey(staged.parse)}`), { recursive: true });
    expect(await find('user-7')).toEqual(before);
    expect(before.alerts).toHaveLength(1);
  });

  test('not by the lines of another reading of the same file', async () => {
    const other = { ...staged.parse, chunkSize: 3 };
    const of = { sha256: staged.sha256, endpoint: 'erp', fileName: 'a.csv', workflowId: 'w2', firstSubmittedAt: '' };
    await settleDeliveryRecord(staged.store, { ...of, parse: other });
    expect((await find('user-6')).alerts.map(({ endpoint }) => endpoint)).toEqual(['test']);
  });
});

describe('files that a version of before has read', () => {
  const forget = () => rm(join(staged.storeFolder, 'users'), { recursive: true });

  test('are indexed once, with a word about it, as reading would have done it', async () => {
    await send();
    const users = join(staged.storeFolder, 'users');
    const [name = ''] = await readdir(users);
    const before = await staged.store.get(`users/${name}`);
    await forget();
    expect((await find('user-6')).alerts).toMatchObject([{ outcome: 'delivered', line: 6 }]);
    expect(said).toEqual([expect.stringContaining('done once')]);
    expect(await staged.store.get(`users/${name}`)).toEqual(before);
    await find('user-6');
    expect(said).toHaveLength(1);
  });

  test('and whose rows were deleted are named as not searched; those that were refused are not', async () => {
    await stageContent(staged.store, staged.parse, 'userId,alertMessage\nx,hi\n').then(async ({ sha256 }) => {
      const key = parseKey(staged.parse);
      await writeRefusal(staged.store, sha256, key, { code: 'x', message: 'x' });
      await staged.store.delete(windowKey(sha256, key, 1));
    });
    await forget();
    await rm(join(staged.storeFolder, staged.sha256, `chunks-${parseKey(staged.parse)}`), { recursive: true });
    expect(await find('user-6')).toMatchObject({ alerts: [], unsearched: ['alerts.csv'] });
    expect(said).toEqual([]);
  });
});

test('where there is no home, that is said', async () => {
  const options = {
    at: { home: join(staged.root, 'typo'), store: undefined },
    userId: 'u',
    limit: 1,
    say: () => undefined,
  };
  await expect(findUser(options)).rejects.toMatchObject({ code: 'not_found' });
});
