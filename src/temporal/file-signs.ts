/** What Temporal knows of a file that does not get on, for `fileWaiting` to make words of. All of it is looked up at once, within a limit. */
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { GovernorView } from '../domain/governor/messages.ts';
import { alertsTaskQueue, filesTaskQueue, installationIn, parseFileWorkflowId } from '../domain/names.ts';
import type { FileSigns, PendingStep } from '../domain/progress/waiting.ts';
import { queryGovernor } from './governor-client.ts';
import { hasPollers } from './task-queue-state.ts';

const { PENDING_ACTIVITY_STATE_STARTED } = proto.temporal.api.enums.v1.PendingActivityState;
const LOOK_LIMIT_MS = 2_000;

/** What several files have in common is asked for once. */
export class SignsReader {
  readonly #client: Client;
  readonly #asked = new Map<string, Promise<unknown>>();

  constructor(client: Client) {
    this.#client = client;
  }

  /** Throws where Temporal does not answer. */
  async signsOf(workflowId: string, progress: FileSigns['progress']): Promise<FileSigns> {
    const endpoint = parseFileWorkflowId(workflowId)?.endpoint ?? '';
    const client = this.#client;
    const description = await client.connection.withDeadline(Date.now() + LOOK_LIMIT_MS, () =>
      client.workflow.getHandle(workflowId).describe(),
    );
    const installation = installationIn(description.memo);
    const [files, alerts, governor] = await Promise.all([
      this.#polled(filesTaskQueue(installation), 'workflow'),
      this.#polled(alertsTaskQueue(endpoint, installation), 'activity'),
      this.#governor(endpoint),
    ]);
    const pollers = { files, alerts };
    return { endpoint, progress, steps: stepsOf(description), pollers, governor, nowMs: Date.now() };
  }

  #polled(queue: string, kind: 'workflow' | 'activity'): Promise<boolean> {
    return this.#once(queue, () => hasPollers(this.#client, queue, kind, Date.now()));
  }

  /** undefined: it does not answer just now, or there is none. */
  #governor(endpoint: string): Promise<GovernorView | undefined> {
    return this.#once(`governor ${endpoint}`, () =>
      queryGovernor(this.#client, endpoint, LOOK_LIMIT_MS).catch(() => undefined),
    );
  }

  #once<T>(name: string, ask: () => Promise<T>): Promise<T> {
    const asked = (this.#asked.get(name) as Promise<T> | undefined) ?? ask();
    this.#asked.set(name, asked);
    return asked;
  }
}

type Time = { readonly seconds?: unknown; readonly nanos?: number | null } | null | undefined;
const msOf = (time: Time): number => Number(time?.seconds ?? 0) * 1_000 + Math.floor((time?.nanos ?? 0) / 1e6);

function stepsOf({ raw }: WorkflowExecutionDescription): PendingStep[] {
  return (raw.pendingActivities ?? []).map((pending) => {
    const { activityType, state, scheduledTime, lastStartedTime, lastHeartbeatTime, lastFailure } = pending;
    const started = state === PENDING_ACTIVITY_STATE_STARTED;
    const heardMs = Math.max(msOf(lastStartedTime), msOf(lastHeartbeatTime));
    const type = lastFailure?.applicationFailureInfo?.type ?? undefined;
    return {
      sends: /^sendAlerts?$/.test(activityType?.name ?? ''),
      started,
      dueMs: started ? heardMs : msOf(scheduledTime),
      failure: type === undefined ? undefined : { type, message: lastFailure?.message ?? '' },
    };
  });
}
