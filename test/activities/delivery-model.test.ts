// @slow: hundreds of random courses
/**
 * Whatever happens to the senders of a batch, in any order: crashes in the middle of a write, losses of power, two attempts at once, an
 * attempt that is stopped and goes on later, rounds, visits. The receiver's own log says whether it was right.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createWriteReport } from '../../activities/write-report.ts';
import { systemClock } from '../../src/clock.ts';
import type { SendAlertsInput, SendAlertsResult } from '../../src/domain/contracts.ts';
import type { AmbiguousPolicy } from '../../src/domain/endpoint.ts';
import { DEFAULT_RETRY_POLICY } from '../../src/domain/endpoint.ts';
import type { EndpointClient } from '../../src/endpoint/endpoint-client.ts';
import { FolderLedgers } from '../../src/store/folder-ledger.ts';
import { FolderReports } from '../../src/store/report-files.ts';
import type { Crash } from '../support/crashing-store.ts';
import { CrashingStore } from '../support/crashing-store.ts';
import type { Reply, StagedAlerts } from '../support/delivery-fixture.ts';
import {
  alertInput,
  batchInput,
  csvRecords,
  MovableClock,
  nextRound,
  ScriptedReceiver,
  stageAlerts,
  TestWorker,
} from '../support/delivery-fixture.ts';

type Command =
  | { readonly kind: 'attempt' | 'stubborn'; readonly crash: Crash | undefined; readonly closing: boolean }
  | { readonly kind: 'race' }
  | { readonly kind: 'stopAndGoOn'; readonly laterMs: number }
  | { readonly kind: 'round' };

interface Story {
  readonly rows: number;
  readonly chunkSize: number;
  readonly ambiguous: AmbiguousPolicy;
  readonly maximumAttempts: number;
  readonly chapters: readonly { readonly command: Command; readonly chunk: number; readonly replies: Reply[] }[];
}

const anyReply: fc.Arbitrary<Reply> = fc.oneof(
  { weight: 8, arbitrary: fc.constant(200) },
  { weight: 3, arbitrary: fc.constantFrom<Reply>('accepted, reset', 'accepted, silence', 'reset') },
  { weight: 4, arbitrary: fc.constantFrom(500, 502, 404, 400, 409, 503) },
  { weight: 1, arbitrary: fc.constantFrom<Reply>('silence', { status: 429, headers: { 'retry-after': '0' } }) },
);

function anyStory(powerLoss: boolean): fc.Arbitrary<Story> {
  const crash = fc.option(
    fc.record({
      atAppend: fc.nat(8),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
      powerLoss: fc.constant(powerLoss),
    }),
    { nil: undefined },
  );
  const command = fc.oneof<fc.Arbitrary<Command>[]>(
    fc.record({ kind: fc.constantFrom('attempt', 'attempt', 'stubborn'), crash, closing: fc.boolean() }),
    fc.record({ kind: fc.constant('race') }),
    fc.record({ kind: fc.constant('stopAndGoOn'), laterMs: fc.constantFrom(0, 2_000, 60_000) }),
    fc.record({ kind: fc.constant('round') }),
  );
  const replies = fc.array(anyReply, { minLength: 1, maxLength: 12 });
  return fc.record({
    rows: fc.integer({ min: 1, max: 30 }),
    chunkSize: fc.constantFrom(7, 30),
    ambiguous: powerLoss ? fc.constant('hold') : fc.constantFrom('hold', 'resend'),
    maximumAttempts: fc.integer({ min: 1, max: 5 }),
    chapters: fc.array(fc.record({ command, chunk: fc.nat(4), replies }), { maxLength: 9 }),
  });
}

/** The world of one story. */
class Scene {
  readonly #clock = new MovableClock();
  readonly #workers: TestWorker[] = [];
  readonly #stubborn = new Set<number>();
  round = 1;
  readonly #story: Story;
  readonly #staged: StagedAlerts;
  readonly #receiver: ScriptedReceiver;

  constructor(story: Story, staged: StagedAlerts, receiver: ScriptedReceiver) {
    this.#story = story;
    this.#staged = staged;
    this.#receiver = receiver;
  }

  async play(): Promise<void> {
    for (const { command, chunk, replies } of this.#story.chapters) {
      let asked = 0;
      this.#receiver.script = () => replies[asked++ % replies.length]!;
      await this.#act(command, this.#input({ chunk: (chunk % this.#chunks) + 1 }));
      this.#clock.advance(7_000);
    }
    this.#receiver.script = () => 200;
    await this.#deliver();
    await Promise.all(this.#workers.map((worker) => worker.kill()));
  }

  get #chunks(): number {
    return this.#staged.windows[0]!.chunks;
  }

  #input(changes: Partial<SendAlertsInput>): SendAlertsInput {
    return batchInput(this.#staged, { round: this.round, maxHandover: 2, ...changes });
  }

  #worker(
    store: CrashingStore,
    { timeoutMs = 60, hold = async () => undefined }: { timeoutMs?: number; hold?: () => Promise<void> } = {},
  ): TestWorker {
    const wrapClient = (client: EndpointClient): EndpointClient => {
      const send: EndpointClient['send'] = async (request, mayWrite) => {
        await hold();
        if (store.dead) return { kind: 'not_sent', reason: 'dead' };
        return await client.send(request, () => !store.dead && mayWrite());
      };
      return {
        send,
        exchange: (request, mayWrite, done) => void send(request, mayWrite).then(done),
        openRequests: 0,
        close: () => client.close(),
        destroy: () => client.destroy(),
      };
    };
    const { ambiguous, maximumAttempts } = this.#story;
    const retry = { ...DEFAULT_RETRY_POLICY, maximumAttempts, giveUpAfterMs: 7 * 24 * 3_600_000 };
    const endpoint = { ambiguous, timeoutMs, maxConnections: 6, retry };
    const worker = new TestWorker({ url: this.#receiver.url, store, clock: this.#clock, endpoint, wrapClient });
    this.#workers.push(worker);
    return worker;
  }

  #store(crash?: Crash): CrashingStore {
    return new CrashingStore(this.#staged.store, this.#staged.storeFolder, { crash });
  }

  async #act(command: Command, input: SendAlertsInput): Promise<void> {
    switch (command.kind) {
      case 'round':
        this.round = await nextRound(this.#staged.store, this.#staged.sha256);
        this.#stubborn.clear();
        break;
      case 'attempt': {
        const store = this.#store(command.crash);
        await this.#attempt(this.#worker(store), { ...input, closing: command.closing });
        store.cutUnsynced();
        break;
      }
      case 'stubborn': {
        const [line] = this.#stubborn;
        const store = this.#store(command.crash);
        if (line !== undefined) await this.#attemptOne(this.#worker(store), line);
        store.cutUnsynced();
        break;
      }
      case 'race':
        await Promise.all([1, 2].map(() => this.#attempt(this.#worker(this.#store()), input)));
        break;
      case 'stopAndGoOn': {
        let goOn = (): void => undefined;
        const held = new Promise<void>((resolve) => (goOn = resolve));
        let reached = (): void => undefined;
        const stopped = new Promise<void>((resolve) => (reached = resolve));
        const hold = (): Promise<void> => {
          reached();
          return held;
        };
        const older = this.#attempt(this.#worker(this.#store(), { hold }), input);
        await Promise.race([older, stopped]);
        this.#clock.advance(command.laterMs);
        await this.#attempt(this.#worker(this.#store()), input);
        goOn();
        await older;
      }
    }
  }

  /** undefined: it failed, retryably. */
  async #attempt(worker: TestWorker, input: SendAlertsInput): Promise<SendAlertsResult | undefined> {
    const result = await worker.sendAlerts(input).catch(retryable);
    for (const line of result?.stubborn ?? []) this.#stubborn.add(line);
    return result;
  }

  async #attemptOne(worker: TestWorker, line: number): Promise<unknown> {
    const { round } = this;
    const result = await worker.sendAlert(alertInput(this.#staged, line, { round })).catch(retryable);
    if (result !== undefined) this.#stubborn.delete(line);
    return result;
  }

  /** As the workflow goes about it, with a receiver that is well. */
  async #deliver(): Promise<void> {
    const worker = this.#worker(this.#store(), { timeoutMs: 5_000 });
    const again = async <T>(attempt: () => Promise<T | undefined>): Promise<T> => {
      for (let count = 0; count < 20; count++) {
        const result = await attempt();
        if (result !== undefined) return result;
        this.#clock.advance(60_000);
      }
      throw new Error('it never ends');
    };
    for (const closing of [false, true]) {
      for (let chunk = 1; chunk <= this.#chunks; chunk++) {
        const result = await again(() => this.#attempt(worker, this.#input({ chunk, closing })));
        if (closing) expect(result.unsettled).toBe(0);
        for (const line of result.stubborn) await again(() => this.#attemptOne(worker, line));
      }
    }
  }
}

function retryable(error: unknown): undefined {
  expect(error).toHaveProperty('nonRetryable', false);
}

async function judge(staged: StagedAlerts, receiver: ScriptedReceiver, story: Story, round: number): Promise<void> {
  const reports = new FolderReports(join(staged.root, 'reports'));
  const writeReport = createWriteReport({
    store: staged.store,
    clock: systemClock,
    ledgers: new FolderLedgers({ store: staged.store, clock: systemClock, boot: 'this run' }),
    reports,
    scope: () => ({ attempt: 1, heartbeat: () => undefined }),
    onReport: () => undefined,
  });
  const { sha256, parse, lines } = staged;
  const of = { sha256, endpoint: 'test', parse, fileName: 'alerts.csv', workflowId: 'w', round };
  const summary = await writeReport(of);
  const outcomes = new Map((await csvRecords(join(summary.reportDir, 'receipts.csv'))).map((row) => [row.line, row]));
  const named = new Set((await csvRecords(join(summary.reportDir, 'ambiguous.csv'))).map((row) => Number(row.line)));
  const { accepted } = receiver;
  const { delivered, rejected, undelivered, unconfirmed, pending } = summary;
  expect({ pending, rows: outcomes.size }).toEqual({ pending: 0, rows: lines.length });
  expect(delivered + rejected + undelivered + unconfirmed).toBe(lines.length);
  for (const line of lines) {
    const times = accepted.get(line) ?? 0;
    const outcome = outcomes.get(String(line))?.outcome;
    const told = `line ${line}: ${outcome}, accepted ${times} times, ${named.has(line) ? '' : 'not '}named`;
    if (outcome === 'delivered') expect(times, told).toBeGreaterThanOrEqual(1);
    if (story.ambiguous === 'hold') expect(times, told).toBeLessThanOrEqual(1);
    const uncertain = times > 1 || (times > 0 && outcome !== 'delivered');
    if (uncertain) expect(named.has(line), told).toBe(true);
  }
  expect(JSON.parse(await readFile(join(summary.reportDir, 'report.json'), 'utf8'))).toMatchObject({
    readToTheEnd: true,
    ambiguous: { count: named.size, lines: [...named] },
  });
}

async function tell(story: Story): Promise<void> {
  const staged = await stageAlerts(story.rows, { chunkSize: story.chunkSize });
  const receiver = await ScriptedReceiver.start();
  try {
    const scene = new Scene(story, staged, receiver);
    await scene.play();
    await judge(staged, receiver, story, scene.round);
  } finally {
    await receiver.close();
    await staged.remove();
  }
}

test.each([
  ['killed senders', false, 50],
  ['losses of power, with hold', true, 25],
])('each alert ends once, none is missed, and none is sent twice unnamed: %s', async (_, powerLoss, numRuns) => {
  const options = { seed: 20_260, numRuns, interruptAfterTimeLimit: 12_000 };
  await fc.assert(fc.asyncProperty(anyStory(powerLoss), tell), options);
});
