/** What Temporal knows of a file that does not get on, for `fileWaiting` to make words of. All of it is looked up at once, within a limit. */
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { GovernorView } from '../domain/governor/messages.ts';
import { alertsTaskQueue, filesTaskQueue, installationIn, parseFileWorkflowId } from '../domain/names.ts';
import type { FileSigns, PendingStep } from '../domain/progress/waiting.ts';
import { queryGovernor } from './governor-client.ts';
import type { QueueVersions } from './task-queue-state.ts';
import { hasPollers, versionText, workflowPollers } from './task-queue-state.ts';

const { PENDING_ACTIVITY_STATE_STARTED } = proto.temporal.api.enums.v1.PendingActivityState;
const PINNED = proto.temporal.api.enums.v1.VersioningBehavior.VERSIONING_BEHAVIOR_PINNED;
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
    const [queue, alerts, governor] = await Promise.all([
      this.#workflowQueue(filesTaskQueue(installation)),
      this.#sentTo(alertsTaskQueue(endpoint, installation)),
      this.#governor(endpoint),
    ]);
    const { files, needs } = servedBy(queue, pinnedTo(description));
    const pollers = { files, alerts };
    const steps = stepsOf(description);
    return { endpoint, progress, steps, pollers, needs, unfit: isUnfit(description), governor, nowMs: Date.now() };
  }

  #workflowQueue(queue: string): Promise<QueueVersions> {
    return this.#once(queue, () => workflowPollers(this.#client, queue, Date.now()));
  }

  #sentTo(queue: string): Promise<boolean> {
    return this.#once(queue, () => hasPollers(this.#client, queue, 'activity', Date.now()));
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

/** Whether somebody takes the tasks of a workflow that is `pinned` to a version, or goes on with the current one. */
export function servedBy(
  { pollers, current }: QueueVersions,
  pinned: string | undefined,
): { readonly files: boolean; readonly needs: string | undefined } {
  const version = pinned ?? current;
  const files = pollers.some((poller) => poller.version === version);
  const none = version === undefined && !files && pollers.length > 0;
  return { files, needs: none ? 'none' : version };
}

/** One that is killed over a workflow task leaves a second attempt to others, and no third. */
const isUnfit = ({ raw }: WorkflowExecutionDescription): boolean => (raw.pendingWorkflowTask?.attempt ?? 1) > 2;

/** The version that a running workflow is bound to; undefined: it goes on with whichever is the current one. */
function pinnedTo({ raw }: WorkflowExecutionDescription): string | undefined {
  const { behavior, deploymentVersion, versioningOverride } = raw.workflowExecutionInfo?.versioningInfo ?? {};
  // Moved by hand: the behaviour is told as it was until its next task.
  if (versioningOverride?.autoUpgrade) return undefined;
  const override = versioningOverride?.pinned?.version;
  const version = override ?? (behavior === PINNED ? deploymentVersion : undefined);
  return version?.buildId ? versionText(version) : undefined;
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
