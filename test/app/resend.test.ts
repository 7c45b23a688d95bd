import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Resend } from '../../src/app/resend.ts';
import { prepareResend } from '../../src/app/resend.ts';
import { systemClock } from '../../src/clock.ts';
import type { ResultKind } from '../../src/domain/ledger/journal.ts';
import { rangeScope } from '../../src/domain/ledger/journal.ts';
import { DEFAULT_PARSE_OPTIONS, parseKey } from '../../src/domain/parse-options.ts';
import { readDeliveryRecord, settleDeliveryRecord } from '../../src/store/delivery-record.ts';
import { FolderLedgers } from '../../src/store/folder-ledger.ts';
import { openKnownStore } from '../../src/store/open-store.ts';
import type { StagedAlerts } from '../support/delivery-fixture.ts';
import { stageAlerts } from '../support/delivery-fixture.ts';

let staged: StagedAlerts;
beforeEach(async () => {
  staged = await stageAlerts(6, { chunkSize: 4 });
});
afterEach(() => staged.remove());

async function record(kind: ResultKind, sha256: string, line: number, chunk: number, key: string): Promise<void> {
  const ledgers = new FolderLedgers({ store: staged.store, clock: systemClock, boot: 'this run' });
  const attempt = { round: 1, scope: rangeScope(1, 9), parseKey: key, durable: false };
  const ledger = await ledgers.open({ sha256, endpoint: 'test', chunk }, attempt);
  await ledger.announce([line]);
  ledger.record(kind, line, kind === 'd' ? 200 : 422, 1);
  await ledger.close();
}
const sent = (kind: ResultKind, line: number) =>
  record(kind, staged.sha256, line, line < 6 ? 1 : 2, parseKey(staged.parse));

async function resend(userId: string): Promise<Resend> {
  const delivery = (await readDeliveryRecord(staged.store, { sha256: staged.sha256, endpoint: 'test' }))!;
  return prepareResend(
    await openKnownStore({ home: staged.root, store: undefined }),
    delivery,
    userId,
    () => undefined,
  );
}

test('is a file of one row that says which row it resends, and the same one until that was sent', async () => {
  await sent('d', 6);
  const first = await resend('user-6');
  expect(JSON.parse(first.content)).toEqual({
    ...{ userId: 'user-6', alertMessage: 'hello 6', resends: `${staged.sha256}:6`, number: 1 },
  });
  expect(first.fileName).toBe('resend-1-line-6-alerts.csv.ndjson');
  expect(await resend('user-6')).toEqual(first);

  const sha256 = createHash('sha256').update(first.content).digest('hex');
  const parse = { ...DEFAULT_PARSE_OPTIONS, format: 'ndjson' } as const;
  const of = { sha256, endpoint: 'test', fileName: first.fileName, workflowId: 'w', firstSubmittedAt: '', parse };
  await settleDeliveryRecord(staged.store, of);
  expect(await resend('user-6')).toEqual(first);
  await record('r', sha256, 1, 1, parseKey(parse));
  expect(await resend('user-6')).toEqual(first);
  await record('d', sha256, 1, 1, parseKey(parse));
  expect(await resend('user-6')).toMatchObject({ fileName: 'resend-2-line-6-alerts.csv.ndjson' });
});

test.each<[ResultKind | undefined, string, string]>([
  [undefined, 'is pending', 'with its file'],
  ['r', 'is rejected', 'wds retry'],
  ['c', 'is unconfirmed', '--unconfirmed'],
])('what was not delivered (%s) is not sent again: %s', async (kind, message, nextStep) => {
  if (kind !== undefined) await sent(kind, 2);
  await expect(resend('user-2')).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining(message),
    nextStep: expect.stringContaining(nextStep),
  });
});

test('a user that the file does not have, and a row that is gone, are not found', async () => {
  await expect(resend('user-99')).rejects.toMatchObject({ code: 'not_found' });
  await sent('d', 2);
  await rm(join(staged.storeFolder, staged.sha256, `chunks-${parseKey(staged.parse)}`), { recursive: true });
  await expect(resend('user-2')).rejects.toMatchObject({
    code: 'not_found',
    nextStep: expect.stringContaining('retry'),
  });
});
