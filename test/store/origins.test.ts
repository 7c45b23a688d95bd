import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseKey } from '../../src/domain/parse-options.ts';
import { FolderStore } from '../../src/store/folder-store.ts';
import { chunksOf } from '../../src/store/origins.ts';
import type { StagedAlerts } from '../support/delivery-fixture.ts';
import { stageAlerts } from '../support/delivery-fixture.ts';

let staged: StagedAlerts;
beforeEach(async () => {
  staged = await stageAlerts(20, { chunkSize: 5 });
});
afterEach(() => staged.remove());

async function chunks(windows?: number): Promise<number[]> {
  const found: number[] = [];
  const file = { sha256: staged.sha256, endpoint: 'crm', parseKey: parseKey(staged.parse) };
  const seen = windows === undefined ? {} : { windows };
  for await (const { chunk } of chunksOf(new FolderStore(staged.storeFolder), { ...file, ...seen })) found.push(chunk);
  return found;
}

test('the chunks of a file are all there, or it is a fault: windows that the workflow has seen are never none', async () => {
  expect(await chunks(1)).toEqual([1, 2, 3, 4]);
  await staged.store.delete(`${staged.sha256}/chunks-${parseKey(staged.parse)}`);
  await expect(chunks(1)).rejects.toMatchObject({ code: 'store' });
  expect(await chunks()).toEqual([]);
});
