/**
 * Whose an endpoint is. Within a Temporal namespace the name of an endpoint belongs to the first installation that uses it, and its governor
 * remembers that: in a memo, so that it can be asked when no worker runs. Another installation is refused before it submits anything: two
 * of them would share the governor's rate, and each would take the other's files for its own.
 *
 * A governor that ended in any other way than by `release` still says whose the endpoint is, for as long as Temporal keeps it.
 */
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import proto from '@temporalio/proto';
import { Fault } from '../domain/failure.ts';
import type { GovernorConfig } from '../domain/governor/contract.ts';
import {
  ADOPT_SIGNAL,
  alertsTaskQueue,
  FILE_WORKFLOW,
  GOVERNOR_WORKFLOW,
  governorWorkflowId,
  installationIn,
  parseFileWorkflowId,
} from '../domain/names.ts';
import { governorStart } from './governor-client.ts';
import { setTaskQueueLimit } from './task-queue-limit.ts';

const { HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT } = proto.temporal.api.enums.v1.HistoryEventFilterType;
/** By it a governor that was released is told from one that somebody else terminated. */
const RELEASED = 'released by wds endpoint release';
/** Between two looks of another installation and a claim of one's own. */
const MAX_TRIES = 5;
const MOST_NAMED = 5;
/** A name is released by hand. Should that happen between two checks, the governor refuses the workers all the same. */
const CHECK_EVERY_MS = 5_000;

export type Owner =
  /** Free, or governed by a version in which installations had no identity: then it is that of the first who asks. */
  | { readonly kind: 'nobody'; readonly running: boolean }
  | { readonly kind: 'installation'; readonly id: string; readonly running: boolean };

export class EndpointOwners {
  readonly #client: Client;
  readonly #installation: string;
  readonly #home: string;
  readonly #checkedMs = new Map<string, number>();

  /** `home`: for people. */
  constructor(client: Client, installation: string, home: string) {
    this.#client = client;
    this.#installation = installation;
    this.#home = home;
  }

  /** Makes the endpoint this installation's, if it is nobody's. Throws Fault `config` where it is another one's. Needs no worker. */
  async claim(endpoint: string, config: GovernorConfig): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const owner = await this.check(endpoint);
      if (owner.kind === 'installation' && owner.running) return;
      if (owner.running) {
        await this.#client.workflow.getHandle(governorWorkflowId(endpoint)).signal(ADOPT_SIGNAL, this.#installation);
        return;
      }
      try {
        const start = await governorStart(this.#client, { endpoint, config, installation: this.#installation });
        await this.#client.workflow.start(GOVERNOR_WORKFLOW, { ...start, workflowIdConflictPolicy: 'FAIL' });
        return;
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      }
    }
    throw new Error(`the governor of ${endpoint} comes and goes`);
  }

  /** Whose it is: nobody's, or this installation's. Throws Fault `config` where it is another one's. */
  async check(endpoint: string): Promise<Owner> {
    const owner = await this.ownerOf(endpoint);
    if (owner.kind === 'nobody' || owner.id === this.#installation) return owner;
    throw new Fault(
      'config',
      `endpoint ${endpoint} belongs to installation ${owner.id} in namespace ${this.#client.options.namespace}; ` +
        `${this.#home} is installation ${this.#installation}`,
      'Is the store mounted? Else choose another name (endpoint.name). ' +
        `If that installation is gone for good: wds endpoint release ${endpoint}`,
    );
  }

  /** The same for each file that is submitted: asked anew only every few seconds. */
  async checkNowAndThen(endpoint: string): Promise<void> {
    const nowMs = performance.now();
    if (nowMs - (this.#checkedMs.get(endpoint) ?? Number.NEGATIVE_INFINITY) < CHECK_EVERY_MS) return;
    await this.check(endpoint);
    this.#checkedMs.set(endpoint, nowMs);
  }

  async ownerOf(endpoint: string): Promise<Owner> {
    const governor = await this.#governorOf(endpoint);
    if (governor === undefined) return { kind: 'nobody', running: false };
    const id = installationIn(governor.memo);
    const running = governor.status.name === 'RUNNING';
    if (id === undefined || (!running && (await this.#wasReleased(governor)))) return { kind: 'nobody', running };
    return { kind: 'installation', id, running };
  }

  /** Ends the governor, so that the name is free. Throws Fault `config` while files are on their way to the endpoint. */
  async release(endpoint: string, owner: Owner): Promise<void> {
    const running = await this.#deliveriesTo(endpoint);
    if (running.length > 0) throw stillInUse(endpoint, running);
    const id = governorWorkflowId(endpoint);
    if (!owner.running && owner.kind === 'installation') {
      const config = { rate: 'auto', batchSize: 1 } as const;
      const start = await governorStart(this.#client, { endpoint, config, installation: owner.id });
      await this.#client.workflow.start(GOVERNOR_WORKFLOW, start);
    }
    await this.#client.workflow.getHandle(id).terminate(RELEASED);
    const queue = alertsTaskQueue(endpoint, owner.kind === 'installation' ? owner.id : undefined);
    await setTaskQueueLimit(this.#client, queue, undefined, RELEASED);
  }

  async #governorOf(endpoint: string): Promise<WorkflowExecutionDescription | undefined> {
    try {
      return await this.#client.workflow.getHandle(governorWorkflowId(endpoint)).describe();
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  }

  async #wasReleased({ workflowId, runId }: WorkflowExecutionDescription): Promise<boolean> {
    const { history } = await this.#client.workflowService.getWorkflowExecutionHistory({
      namespace: this.#client.options.namespace,
      execution: { workflowId, runId },
      historyEventFilterType: HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT,
    });
    const end = history?.events?.at(-1)?.workflowExecutionTerminatedEventAttributes;
    return end?.reason === RELEASED;
  }

  async #deliveriesTo(endpoint: string): Promise<string[]> {
    const query = `WorkflowType = "${FILE_WORKFLOW}" AND ExecutionStatus = "Running"`;
    const found: string[] = [];
    for await (const { workflowId } of this.#client.workflow.list({ query })) {
      if (parseFileWorkflowId(workflowId)?.endpoint === endpoint) found.push(workflowId);
    }
    return found;
  }
}

function stillInUse(endpoint: string, running: readonly string[]): Fault {
  const named = running.slice(0, MOST_NAMED).join(', ');
  const more = running.length > MOST_NAMED ? ` and ${running.length - MOST_NAMED} more` : '';
  return new Fault(
    'config',
    `${running.length} ${running.length === 1 ? 'file is' : 'files are'} on the way to ${endpoint}: ${named}${more}`,
    'Let them end, or end them from the home that they belong to: wds cancel. ' +
      'Where that home is gone for good: temporal workflow terminate --workflow-id …',
  );
}
