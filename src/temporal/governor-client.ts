/**
 * Talking to the governor of an endpoint. Every message of a GovernorClient starts it where it does not run yet: it is there whenever
 * somebody asks. An operator's orders go to one that runs: a misspelt name must not make another.
 */
import type { Client } from '@temporalio/client';
import { WithStartWorkflowOperation, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import type { GovernorConfig, LeaseAnswer, LeaseRequest, Override } from '../domain/governor/contract.ts';
import { LEASE_MS } from '../domain/governor/contract.ts';
import type { GovernorInput, GovernorView } from '../domain/governor/messages.ts';
import {
  CONFIGURE_UPDATE,
  FILES_TASK_QUEUE,
  GOVERNOR_QUERY,
  GOVERNOR_WORKFLOW,
  governorWorkflowId,
  LEASE_UPDATE,
  OVERRIDE_UPDATE,
} from '../domain/names.ts';

/** An answer that comes later is of no use: its lease is over. */
const ANSWER_LIMIT_MS = 6_000;
const WORKFLOW_TASK_TIMEOUT = '3s';

export class GovernorClient {
  readonly #client: Client;
  readonly #endpoint: string;
  readonly #config: GovernorConfig;
  /** A governor has answered this process: from then on none is the first one. */
  #answered = false;

  constructor(client: Client, endpoint: string, config: GovernorConfig) {
    this.#client = client;
    this.#endpoint = endpoint;
    this.#config = config;
  }

  lease(request: LeaseRequest): Promise<LeaseAnswer> {
    return this.#update<LeaseAnswer, LeaseRequest>(LEASE_UPDATE, request);
  }

  /** Tells a governor that runs what this process was configured with. */
  configure(): Promise<void> {
    return this.#update<void, GovernorConfig>(CONFIGURE_UPDATE, this.#config);
  }

  override(override: Override): Promise<GovernorView> {
    return this.#update<GovernorView, Override>(OVERRIDE_UPDATE, override);
  }

  async #update<Result, Argument>(name: string, argument: Argument): Promise<Result> {
    // Should it have to be started: an earlier one, lost or terminated, has lent what may still be in use, perhaps by another process.
    const waitMs = this.#answered || (await this.#hadOne()) ? LEASE_MS : 0;
    const input: GovernorInput = { endpoint: this.#endpoint, config: this.#config, waitMs };
    const startWorkflowOperation = new WithStartWorkflowOperation(GOVERNOR_WORKFLOW, {
      workflowId: governorWorkflowId(this.#endpoint),
      taskQueue: FILES_TASK_QUEUE,
      args: [input],
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      staticSummary: `rate of endpoint ${this.#endpoint}`,
    });
    const answer = await this.#client.connection.withDeadline(Date.now() + ANSWER_LIMIT_MS, () =>
      this.#client.workflow.executeUpdateWithStart<never, Result, [Argument]>(name, {
        args: [argument],
        startWorkflowOperation: startWorkflowOperation as never,
      }),
    );
    this.#answered = true;
    return answer;
  }

  /** Whether Temporal knows a governor of this endpoint, in whatever state. One that its retention has forgotten lent nothing of late. */
  async #hadOne(): Promise<boolean> {
    try {
      const handle = this.#client.workflow.getHandle(governorWorkflowId(this.#endpoint));
      await this.#client.connection.withDeadline(Date.now() + ANSWER_LIMIT_MS, () => handle.describe());
      return true;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }
}

/** What a governor that runs has against an order; undefined: that is not why it failed. */
export function refusedOrder(error: unknown): string | undefined {
  return error instanceof WorkflowUpdateFailedError ? (error.cause?.message ?? error.message) : undefined;
}

/** The endpoints that have a governor. */
export async function governedEndpoints(client: Client): Promise<string[]> {
  const query = `WorkflowType = "${GOVERNOR_WORKFLOW}" AND ExecutionStatus = "Running"`;
  const prefix = governorWorkflowId('');
  const names: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query })) {
    if (workflowId.startsWith(prefix)) names.push(workflowId.slice(prefix.length));
  }
  return names.sort();
}

/** undefined: the endpoint has no governor. */
export async function overrideGovernor(
  client: Client,
  endpoint: string,
  override: Override,
): Promise<GovernorView | undefined> {
  try {
    return await client.connection.withDeadline(Date.now() + ANSWER_LIMIT_MS, () =>
      client.workflow
        .getHandle(governorWorkflowId(endpoint))
        .executeUpdate<GovernorView, [Override]>(OVERRIDE_UPDATE, { args: [override] }),
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
