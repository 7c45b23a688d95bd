import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FolderStore } from '../../src/store/folder-store.ts';
import { StaleRound } from '../../src/store/ledger.ts';
import { beginRound, requireRound } from '../../src/store/rounds.ts';

const of = { sha256: 'a'.repeat(64), endpoint: 'crm' };
const record = (runId: string) => ({ runId, begunAt: '2030-01-01T00:00:00.000Z' });

let root: string;
let store: FolderStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'wds-rounds-'));
  store = new FolderStore(root);
});
afterEach(() => rm(root, { recursive: true }));

test('rounds that are begun for one press know the first of them: those of a run that lost its round, and those after a reset', async () => {
  const pressed = (runId: string, press?: string) =>
    beginRound(store, of, { ...record(runId), ...(press && { press }) });
  expect(await pressed('run-1')).not.toHaveProperty('reopenedFrom');
  expect(await pressed('run-2', 'press-1')).not.toHaveProperty('reopenedFrom');
  await pressed('closed');
  expect(await pressed('run-2', 'press-1')).toMatchObject({ round: 4, reopenedFrom: 2 });
  expect(await pressed('reset', 'press-1')).toMatchObject({ round: 5, reopenedFrom: 2 });
  expect(await requireRound(store, of, { round: 5, runId: 'reset' })).toMatchObject({ reopenedFrom: 2 });
  expect(await pressed('run-3', 'press-2')).not.toHaveProperty('reopenedFrom');
});

describe('the round that an activity works for', () => {
  test('is the newest, and its own run’s', async () => {
    expect((await beginRound(store, of, record('run-1'))).round).toBe(1);
    expect(await requireRound(store, of, { round: 1, runId: 'run-1' })).toMatchObject({ round: 1 });
    await expect(requireRound(store, of, { round: 1, runId: 'reset' })).rejects.toThrow(StaleRound);
  });

  test('is over when another run has begun one', async () => {
    await beginRound(store, of, record('run-1'));
    await beginRound(store, of, record('run-2'));
    await expect(requireRound(store, of, { round: 1, runId: 'run-1' })).rejects.toThrow(StaleRound);
  });

  test('is not over, and not begun anew, in an older copy of the store that does not know it: that is a fault that waits', async () => {
    await beginRound(store, of, record('run-1'));
    const older = expect.objectContaining({ code: 'store', nextStep: expect.stringContaining('older copy') });
    await expect(requireRound(store, of, { round: 2, runId: 'run-2' })).rejects.toEqual(older);
    await expect(requireRound(new FolderStore(join(root, 'empty')), of, { round: 1 })).rejects.toEqual(older);
  });
});
