// @slow: cuts the power after each write
/**
 * The machine loses power at every point of an attempt: each write that was not synced may be lost, from any byte on. What is left is given to
 * the next attempt, on the machine's next run. The receiver's log says whether it was right.
 */
import { cp, mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { AmbiguousPolicy } from '../../src/domain/endpoint.ts';
import { FolderStore } from '../../src/store/folder-store.ts';
import type { Journal } from '../../src/store/store.ts';
import type { StagedAlerts } from '../support/delivery-fixture.ts';
import { batchInput, MovableClock, ScriptedReceiver, stageAlerts, TestWorker } from '../support/delivery-fixture.ts';

/** What a power loss at one moment leaves of the journal: any length between these. */
interface Moment {
  readonly syncedBytes: number;
  readonly writtenBytes: number;
  /** Lines that the receiver had accepted by then. */
  readonly accepted: readonly number[];
}

/** Remembers each moment of the one journal that is written into it. */
class RecordingStore extends FolderStore {
  readonly moments: Moment[] = [];
  readonly #accepted: () => readonly number[];
  #synced = 0;
  #written = 0;

  constructor(root: string, accepted: () => readonly number[]) {
    super(root);
    this.#accepted = accepted;
  }

  override async createJournal(key: string): Promise<Journal | undefined> {
    const journal = await super.createJournal(key);
    if (journal === undefined) return undefined;
    return {
      append: (text) => {
        this.#note();
        journal.append(text);
        this.#written += Buffer.byteLength(text);
        this.#note();
      },
      flush: async () => {
        const written = this.#written;
        await journal.flush();
        this.#synced = Math.max(this.#synced, written);
        this.#note();
      },
      close: () => journal.close(),
    };
  }

  #note(): void {
    const [syncedBytes, writtenBytes] = [this.#synced, this.#written];
    this.moments.push({ syncedBytes, writtenBytes, accepted: this.#accepted() });
  }
}

let staged: StagedAlerts;
let receiver: ScriptedReceiver;
afterEach(async () => {
  await receiver.close();
  await staged.remove();
});

const linesOf = (log: ScriptedReceiver['log']): number[] =>
  log.filter(({ accepted }) => accepted).map(({ line }) => line);

/** The next run of the machine finds the journal cut to a length, and sends what is left. Returns the lines that may have been alerted twice. */
async function afterwards(length: number, ambiguous: AmbiguousPolicy): Promise<ReadonlySet<number>> {
  const root = await mkdtemp(join(tmpdir(), 'wds-power-'));
  await cp(staged.storeFolder, root, { recursive: true });
  await truncate(join(root, `${staged.sha256}/test/000001/000001.journal`), length);
  const clock = new MovableClock();
  const endpoint = { ambiguous, maxConnections: 3 };
  const worker = new TestWorker({ url: receiver.url, store: new FolderStore(root), clock, endpoint, boot: 'next run' });
  try {
    receiver.log.length = 0;
    const send = () => worker.sendAlerts(batchInput(staged, { closing: true }));
    await send().catch((error: unknown) => expect(error).toHaveProperty('nonRetryable', false));
    clock.advance(60_000);
    const result = await send();
    expect(result.delivered + result.unconfirmed).toBe(staged.lines.length);
    const states = await worker.dependencies.ledgers.read({ sha256: staged.sha256, endpoint: 'test', chunk: 1 });
    return new Set([...states].filter(([, state]) => state.unknown > 0 || state.maybeTwice).map(([line]) => line));
  } finally {
    await worker.kill();
    await rm(root, { recursive: true });
  }
}

test.each<AmbiguousPolicy>(['resend', 'hold'])(
  'a loss of power misses nobody, and alerts nobody twice unnamed: %s',
  { timeout: 120_000 },
  async (ambiguous) => {
    staged = await stageAlerts(5);
    receiver = await ScriptedReceiver.start();
    receiver.script = (line, times) => (line === 4 && times === 1 ? 500 : 200);
    const store = new RecordingStore(staged.storeFolder, () => linesOf(receiver.log));
    const endpoint = { ambiguous, maxConnections: 2 };
    const clock = new MovableClock();
    const worker = new TestWorker({ url: receiver.url, store, clock, endpoint, boot: 'first run' });
    await worker.sendAlerts(batchInput(staged)).catch(() => undefined);
    await worker.kill();
    receiver.script = () => 200;
    const cuts = new Map<string, Moment & { readonly length: number }>();
    for (const moment of store.moments) {
      for (let length = moment.syncedBytes; length <= moment.writtenBytes; length += 5) {
        cuts.set(`${length} ${moment.accepted.length}`, { ...moment, length });
      }
    }
    expect(cuts.size).toBeGreaterThan(20);
    for (const { length, accepted } of cuts.values()) {
      const named = await afterwards(length, ambiguous);
      const times = [...accepted, ...linesOf(receiver.log)];
      for (const line of staged.lines) {
        const alerted = times.filter((each) => each === line).length;
        const told = `line ${line}, cut to ${length} bytes when ${accepted.length} were accepted`;
        if (ambiguous === 'hold') expect(alerted, told).toBeLessThanOrEqual(1);
        if (alerted === 0 || alerted > 1) expect(named.has(line), told).toBe(true);
      }
    }
  },
);
