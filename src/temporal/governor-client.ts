/**
 * Talking to the governor of an endpoint. Every message of a GovernorClient starts it where it does not run yet: it is there whenever
 * somebody asks. An operator's orders go to one that runs: a misspelt name must not make another.
 */
import type { Client } from '@temporalio/client';
import { WithStartWorkflowOperation, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import type { Endpoint } from '../domain/endpoint.ts';
import type { GovernorConfig, LeaseAnswer, LeaseRequest, Override } from '../domain/governor/contract.ts';
import { LEASE_MS } from '../domain/governor/contract.ts';
import type { GovernorInput, GovernorView } from '../domain/governor/messages.ts';
import {
  CONFIGURE_UPDATE,
  filesTaskQueue,
  GOVERNOR_QUERY,
  GOVERNOR_WORKFLOW,
  governorWorkflowId,
  INSTALLATION_MEMO,
  installationIn,
  LEASE_UPDATE,
  OVERRIDE_UPDATE,
} from '../domain/names.ts';

/** An answer that comes later is of no use: its lease is over. */
const ANSWER_LIMIT_MS = 6_000;
const WORKFLOW_TASK_TIMEOUT = '3s';

/** What the governor of an endpoint is to know of it. */
export function governedBy({ rate, shape, windowMs }: Endpoint, batchSize: number): GovernorConfig {
  return {
    ...{ rate, batchSize },
    ...(shape === undefined ? {} : { shape }),
    ...(windowMs === undefined ? {} : { windowMs }),
  };
}

export interface Governed {
  readonly endpoint: string;
  readonly config: GovernorConfig;
  /** Whose endpoint it is; the governor refuses messages of others. */
  readonly installation: string;
}

/**
 * How the governor of an endpoint is started. `mayHaveLent`: an earlier one, lost or terminated, has lent what may still be in use, perhaps
 * by another process; undefined: found out.
 */
export async function governorStart(
  client: Client,
  { endpoint, config, installation }: Governed,
  mayHaveLent?: boolean,
) {
  const waitMs = (mayHaveLent ?? (await hadGovernor(client, endpoint))) ? LEASE_MS : 0;
  const input: GovernorInput = { endpoint, config, installation, waitMs };
  return {
    workflowId: governorWorkflowId(endpoint),
    taskQueue: filesTaskQueue(installation),
    args: [input],
    memo: { [INSTALLATION_MEMO]: installation },
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    staticSummary: `rate of endpoint ${endpoint}`,
  } as const;
}

/** Whether Temporal knows a governor of this endpoint, in whatever state. One that its retention has forgotten lent nothing of late. */
async function hadGovernor(client: Client, endpoint: string): Promise<boolean> {
  try {
    const handle = client.workflow.getHandle(governorWorkflowId(endpoint));
    await client.connection.withDeadline(Date.now() + ANSWER_LIMIT_MS, () => handle.describe());
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

export class GovernorClient {
  readonly #client: Client;
  readonly #governed: Governed;
  /** A governor has answered this process: from then on none is the first one. */
  #answered: true | undefined;

  constructor(client: Client, governed: Governed) {
    this.#client = client;
    this.#governed = governed;
  }

  lease(request: LeaseRequest): Promise<LeaseAnswer> {
    return this.#update<LeaseAnswer, LeaseRequest>(LEASE_UPDATE, request);
  }

  /** Tells a governor that runs what this process was configured with. */
  configure(): Promise<void> {
    return this.#update<void, GovernorConfig>(CONFIGURE_UPDATE, this.#governed.config);
  }

  override(override: Override): Promise<GovernorView> {
    return this.#update<GovernorView, Override>(OVERRIDE_UPDATE, override);
  }

  async #update<Result, Argument>(name: string, argument: Argument): Promise<Result> {
    const start = await governorStart(this.#client, this.#governed, this.#answered);
    const startWorkflowOperation = new WithStartWorkflowOperation(GOVERNOR_WORKFLOW, {
      ...start,
      args: [...start.args],
    });
    const answer = await this.#client.connection.withDeadline(Date.now() + ANSWER_LIMIT_MS, () =>
      this.#client.workflow.executeUpdateWithStart<never, Result, [Argument, string]>(name, {
        args: [argument, this.#governed.installation],
        startWorkflowOperation: startWorkflowOperation as never,
      }),
    );
    this.#answered = true;
    return answer;
  }
}

/** What a governor that runs has against an order; undefined: that is not why it failed. */
export function refusedOrder(error: unknown): string | undefined {
  return error instanceof WorkflowUpdateFailedError ? (error.cause?.message ?? error.message) : undefined;
}

/** The endpoints that have a governor of this installation, or one of an earlier version, which is anybody's. */
export async function governedEndpoints(client: Client, installation: string): Promise<string[]> {
  const query = `WorkflowType = "${GOVERNOR_WORKFLOW}" AND ExecutionStatus = "Running"`;
  const prefix = governorWorkflowId('');
  const names: string[] = [];
  for await (const { workflowId, memo } of client.workflow.list({ query })) {
    const owner = installationIn(memo) ?? installation;
    if (owner === installation && workflowId.startsWith(prefix)) names.push(workflowId.slice(prefix.length));
  }
  return names.sort();
}

/** undefined: the endpoint has no governor. */
export async function overrideGovernor(
  client: Client,
  { endpoint, installation }: Pick<Governed, 'endpoint' | 'installation'>,
  override: Override,
): Promise<GovernorView | undefined> {
  try {
    return await client.connection.withDeadline(Date.now() + ANSWER_LIMIT_MS, () =>
      client.workflow
        .getHandle(governorWorkflowId(endpoint))
        .executeUpdate<GovernorView, [Override, string]>(OVERRIDE_UPDATE, { args: [override, installation] }),
    );
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** undefined: the endpoint has no governor yet. Throws where nobody runs to answer for it. */
export async function queryGovernor(
  client: Client,
  endpoint: string,
  limitMs = ANSWER_LIMIT_MS,
): Promise<GovernorView | undefined> {
  try {
    return await client.connection.withDeadline(Date.now() + limitMs, () =>
      client.workflow.getHandle(governorWorkflowId(endpoint)).query<GovernorView, []>(GOVERNOR_QUERY),
    );
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
