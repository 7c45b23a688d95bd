import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createOwnWork } from '../../activities/own-work.ts';
import type { FileWork } from '../../src/domain/contracts.ts';
import { FAILURE } from '../../src/domain/names.ts';
import { OwnStore, settleInstallationId } from '../../src/store/installation-identity.ts';
import { deliveryKey } from '../../src/store/layout.ts';
import type { StagedAlerts } from '../support/delivery-fixture.ts';
import {
  batchInput,
  failureOf,
  MovableClock,
  ScriptedReceiver,
  stageAlerts,
  TestWorker,
} from '../support/delivery-fixture.ts';

let staged: StagedAlerts;
let ownStore: OwnStore;
let done: FileWork[];
beforeEach(async () => {
  staged = await stageAlerts(5);
  ownStore = new OwnStore(staged.store, await settleInstallationId(staged.store), staged.storeFolder);
  done = [];
});
afterEach(() => staged.remove());

const guarded = (input: FileWork & { readonly endpoint?: string }): Promise<string> => {
  const own = createOwnWork({ store: staged.store, ownStore, scope: () => ({ attempt: 1 }) });
  return own(async (work: FileWork) => {
    done.push(work);
    return 'done';
  })(input);
};

const refusal = {
  type: FAILURE.otherInstallation,
  nonRetryable: false,
  nextRetryDelay: 10_000,
} as const;

describe('an activity', () => {
  test('does the work of its own installation', async () => {
    expect(await guarded({ installation: ownStore.installation, sha256: staged.sha256 })).toBe('done');
  });

  test('leaves the work of another installation to others, and says whose it is', async () => {
    const failure = await failureOf(guarded({ installation: '0123456789ab', sha256: staged.sha256 }));
    expect(failure).toMatchObject({ ...refusal, message: expect.stringContaining('0123456789ab') });
    expect(done).toEqual([]);
  });

  test('waits while its store is not there, and does not take the empty folder for one', async () => {
    const away = join(staged.root, 'unmounted');
    await rename(staged.storeFolder, away);
    await mkdir(staged.storeFolder);
    const input = { installation: ownStore.installation, sha256: staged.sha256 };
    const failure = await failureOf(guarded(input));
    expect(failure).toMatchObject({ ...refusal, message: expect.stringContaining('Is the store mounted?') });
    await rename(staged.storeFolder, join(staged.root, 'empty'));
    await rename(away, staged.storeFolder);
    expect(await guarded(input)).toBe('done');
  });

  test('of a version in which work did not say whose it is, does that of files which its store knows', async () => {
    const { sha256 } = staged;
    const unknown = await failureOf(guarded({ sha256, endpoint: 'crm' }));
    expect(unknown).toMatchObject({ ...refusal, message: expect.stringContaining('knows nothing of this file') });
    await staged.store.put(deliveryKey({ sha256, endpoint: 'crm' }), '{}');
    expect(await guarded({ sha256, endpoint: 'crm' })).toBe('done');
    expect((await failureOf(guarded({ sha256: 'f'.repeat(64) }))).message).toContain('knows nothing of this file');
  });
});

describe('a batch', () => {
  test('sends nothing when the store has vanished since it was begun', async () => {
    const receiver = await ScriptedReceiver.start();
    const clock = new MovableClock();
    const worker = new TestWorker({ url: receiver.url, store: staged.store, clock, ownStore });
    try {
      // Between the first look and the attempt's own journal.
      const open = worker.dependencies.ledgers.open.bind(worker.dependencies.ledgers);
      worker.dependencies.ledgers.open = async (...args) => {
        await rename(staged.storeFolder, join(staged.root, 'unmounted'));
        return open(...args);
      };
      const failure = await failureOf(worker.sendAlerts(batchInput(staged)));
      expect(failure).toMatchObject({ type: FAILURE.otherInstallation });
      expect(receiver.log).toEqual([]);
    } finally {
      await worker.kill();
      await receiver.close();
    }
  });
});
