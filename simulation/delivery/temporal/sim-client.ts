/** Temporal's Client as one process has it, as far as wds uses it for deliveries: start, describe, signal, cancel, terminate, result, query. */
import type { Client } from '@temporalio/client';
import { WorkflowExecutionAlreadyStartedError, WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import { RetryState } from '@temporalio/common';
import { FILE_WORKFLOW } from '../../../src/domain/names.ts';
import type { Chance } from '../../chance.ts';
import type { SimProcess } from '../sim-process.ts';
import type { Memo, Run } from './run.ts';
import type { SimTemporal } from './sim-temporal.ts';

const FAILED: ReadonlySet<string> = new Set(['FAILED', 'CANCELLED', 'TERMINATED']);

/** `messageMs`: longest way of a message. A process that dies in between does not hear the answer; what it asked for is done. */
export function simClient(temporal: SimTemporal, process: SimProcess, chance: Chance, messageMs: number): Client {
  const call = <T>(effect: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      temporal.scheduler.after(chance.between(0, messageMs), undefined, () => {
        let settle: () => void;
        try {
          const value = effect();
          settle = () => resolve(value);
        } catch (error) {
          settle = () => reject(error);
        }
        process.after(chance.between(0, messageMs), settle);
      });
    });
  const known = (workflowId: string): Run => {
    const run = temporal.latest(workflowId);
    if (run === undefined) throw new WorkflowNotFoundError('no such workflow', workflowId, undefined);
    return run;
  };
  const running = (workflowId: string): Run => {
    const run = known(workflowId);
    if (run.status !== 'RUNNING') throw new WorkflowNotFoundError('workflow has ended', workflowId, undefined);
    return run;
  };
  const describe = (workflowId: string, runId: string | undefined) => {
    const runs = temporal.executions.get(workflowId) ?? [];
    const run = runId === undefined ? temporal.latest(workflowId) : runs.find((one) => one.runId === runId);
    if (run === undefined) throw new WorkflowNotFoundError('no such workflow', workflowId, runId);
    return { status: { name: run.status }, runId: run.runId, workflowId, memo: run.memo };
  };
  const getHandle = (workflowId: string, runId?: string) => ({
    workflowId,
    describe: () => call(() => describe(workflowId, runId)),
    signal: (name: string, ...args: unknown[]) => call(() => temporal.signal(running(workflowId), name, args)),
    cancel: () => call(() => temporal.cancel(running(workflowId))),
    terminate: () => call(() => temporal.terminate(running(workflowId))),
    query: (name: string) => call(() => known(workflowId).runtime.queryHandlers.get(name)?.()),
    result: () => call(() => resultOf(known(workflowId))),
  });
  return {
    options: { namespace: 'default' },
    connection: { withDeadline: (_deadline: number, work: () => Promise<unknown>) => work() },
    workflow: {
      getHandle,
      start: (type: string, { workflowId, args, memo }: { workflowId: string; args: [unknown]; memo: Memo }) =>
        call(() => {
          const latest = temporal.latest(workflowId);
          if (latest !== undefined && !FAILED.has(latest.status)) {
            throw new WorkflowExecutionAlreadyStartedError('it has started already', workflowId, type);
          }
          if (type === FILE_WORKFLOW) temporal.start(workflowId, args[0], memo);
          else temporal.startIdle(workflowId, memo);
          return getHandle(workflowId);
        }),
    },
  } as unknown as Client;
}

/** Of a run that has ended. */
export function resultOf(run: Run): unknown {
  if (run.status === 'COMPLETED') return run.result;
  throw new WorkflowFailedError('the workflow failed', run.failure, RetryState.NON_RETRYABLE_FAILURE);
}
