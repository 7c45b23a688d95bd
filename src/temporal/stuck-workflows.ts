/**
 * Workflows that cannot go on with the code that runs here: their histories were written by another version. The SDK tries again for ever, ever more
 * seldom, and says so nowhere but among its warnings. One line when such a one is found, with what to do, and one when it goes on.
 */
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { governorWorkflowId } from '../domain/names.ts';
import type { Metrics } from '../monitoring/metrics.ts';

const LOOK_MS = 30_000;
/** The rest is of their kind. */
const MOST = 100;

export interface StuckRun {
  readonly runId: string;
  /** undefined: it is not known. */
  readonly workflowId: string | undefined;
}

export interface StuckWorkflowsOptions {
  readonly logger: Pick<Logger, 'error' | 'info'>;
  readonly metrics: Metrics;
  /** Of which workflow a run is. */
  readonly find: (runId: string) => Promise<string | undefined>;
  /** Whether its workflow task still fails. */
  readonly isStuck: (run: StuckRun & { readonly workflowId: string }) => Promise<boolean>;
}

export class StuckWorkflows {
  readonly #options: StuckWorkflowsOptions;
  readonly #runs = new Map<string, StuckRun>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: StuckWorkflowsOptions) {
    this.#options = options;
    const help = 'Workflows that cannot go on with the version that runs here';
    options.metrics.gauge({ name: 'wds_workflows_stuck', help }, () => [[[], this.#runs.size]]);
    this.#timer = setInterval(() => void this.look(), LOOK_MS).unref();
  }

  /** The workflow task of a run does not fit its history. */
  async found(runId: string, failure: string): Promise<void> {
    if (this.#runs.has(runId) || this.#runs.size >= MOST) return;
    this.#runs.set(runId, { runId, workflowId: undefined });
    const workflowId = await this.#options.find(runId).catch(() => undefined);
    this.#runs.set(runId, { runId, workflowId });
    const reason = /\[TMPRL\d+\][^"\\]*/.exec(failure)?.[0] ?? 'its steps are others than those in its history';
    const name = workflowId ?? `run ${runId}`;
    const nextStep = adviceOn(workflowId);
    this.#options.logger.error(
      { event: 'workflow_not_replayable', workflowId, runId, reason, nextStep },
      `${name} cannot go on with this version: its history was written by another one (${reason}). Do: ${nextStep}`,
    );
  }

  async look(): Promise<void> {
    for (const { runId, workflowId: known } of [...this.#runs.values()]) {
      const workflowId = known ?? (await this.#options.find(runId).catch(() => undefined));
      if (workflowId === undefined) continue;
      this.#runs.set(runId, { runId, workflowId });
      // Temporal that does not answer is no sign of anything.
      if (await this.#options.isStuck({ runId, workflowId }).catch(() => true)) continue;
      this.#runs.delete(runId);
      this.#options.logger.info(
        { event: 'workflow_goes_on', workflowId, runId },
        `${workflowId} goes on, or has ended`,
      );
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

function adviceOn(workflowId: string | undefined): string {
  if (workflowId === undefined) return 'find it in the Web UI by its run ID; docs/operations.md says how it goes on';
  if (workflowId.startsWith(governorWorkflowId('')))
    return `temporal workflow terminate --workflow-id ${workflowId}; the next lease begins a new governor, which forgets what it had learned`;
  return `run workers of the version that began it until it has ended, or: temporal workflow reset --workflow-id ${workflowId} --type FirstWorkflowTask --reason upgrade (its receipts keep it from sending anything twice)`;
}

/** The questions that a client answers. */
export function stuckBy(client: Client): Pick<StuckWorkflowsOptions, 'find' | 'isStuck'> {
  return {
    async find(runId) {
      for await (const { workflowId } of client.workflow.list({ query: `RunId = "${runId}"`, pageSize: 1 }))
        return workflowId;
      return undefined;
    },
    async isStuck({ workflowId, runId }) {
      const { status, raw } = await client.workflow.getHandle(workflowId, runId).describe();
      return status.name === 'RUNNING' && (raw.pendingWorkflowTask?.attempt ?? 1) > 1;
    },
  };
}
