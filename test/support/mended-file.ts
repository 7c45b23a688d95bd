/** A file whose rows mend rows of an earlier one, and what its workflow would have done with it, step by step. */
import { createSettleOrigins } from '../../activities/settle-origins.ts';
import { createTakeOverOrigins } from '../../activities/take-over-origins.ts';
import type { SendAlertsResult, WindowResult } from '../../src/domain/contracts.ts';
import type { AmbiguousPolicy } from '../../src/domain/endpoint.ts';
import { FAILURE } from '../../src/domain/names.ts';
import { parseKey } from '../../src/domain/parse-options.ts';
import type { StagedAlerts, TestWorker } from './delivery-fixture.ts';
import { batchInput, stageContent } from './delivery-fixture.ts';

export interface MendedFile {
  readonly sha256: string;
  readonly window: WindowResult;
  takeOver(): Promise<void>;
  send(ambiguous?: AmbiguousPolicy): Promise<SendAlertsResult>;
  settle(): Promise<void>;
  /** All of it; whoever is overtaken tries again. */
  deliver(): Promise<SendAlertsResult>;
}

/** `content`: of the whole file. Its alerts must fit into one chunk. */
export async function mendedFile(
  { store, parse }: Pick<StagedAlerts, 'store' | 'parse'>,
  content: string,
  startWorker: (ambiguous?: AmbiguousPolicy) => TestWorker,
): Promise<MendedFile> {
  const { sha256, window } = await stageContent(store, parse, content);
  const { ledgers, clock } = startWorker().dependencies;
  const scope = () => ({ attempt: 1, heartbeat: () => undefined });
  const origins = { store, ledgers, scope, clock, requestTimeoutMs: 5_000 };
  const newest = async () => (await store.list(`${sha256}/test/rounds`)).length;
  const input = async () => ({ sha256, endpoint: 'test', parseKey: parseKey(parse), round: await newest() });
  const lines = Array.from({ length: window.alerts }, (_, at) => at);
  const takeOver = async (): Promise<void> => createTakeOverOrigins(origins)(await input());
  const settle = async (): Promise<void> => createSettleOrigins(origins)(await input());
  const send = async (ambiguous: AmbiguousPolicy = 'resend'): Promise<SendAlertsResult> => {
    const changes = { sha256, round: await newest(), closing: true };
    return startWorker(ambiguous).sendAlerts(batchInput({ parse, lines } as unknown as StagedAlerts, changes));
  };
  const deliver = async (): Promise<SendAlertsResult> => {
    await untilNotOvertaken(takeOver);
    const result = await untilNotOvertaken(send);
    await untilNotOvertaken(settle);
    return result;
  };
  return { sha256, window, takeOver, send, settle, deliver };
}

/** As Temporal does: whoever is overtaken by a newer attempt, or waits for one to be settled, tries again. */
async function untilNotOvertaken<Result>(step: () => Promise<Result>): Promise<Result> {
  for (let tries = 0; ; tries++) {
    try {
      return await step();
    } catch (error) {
      const { type } = error as { readonly type?: string };
      if ((type !== FAILURE.superseded && type !== FAILURE.unsettled) || tries > 20) throw error;
    }
  }
}
