/** The house of an installation: its store, its inboxes on this host, and Temporal, which knows what runs. */
import { WorkflowNotFoundError } from '@temporalio/client';
import { installationIn } from '../../domain/names.ts';
import type { Installation } from '../../temporal/installation.ts';
import { FILE_WORKFLOWS } from '../file-status.ts';
import type { House } from './house.ts';

export function houseOf(installation: Installation): House {
  const { store, ledgers, users, reports, parts, settings, temporal, id } = installation;
  const { workflow } = temporal.client;
  return {
    ...{ store, ledgers, users, reports, parts, inboxes: settings.inboxes.map((inbox) => inbox.folder) },
    async runOf(workflowId) {
      try {
        const { status } = await workflow.getHandle(workflowId).describe();
        if (status.name === 'RUNNING') return 'running';
        return status.name === 'COMPLETED' ? 'completed' : 'ended';
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return undefined;
        throw error;
      }
    },
    async *underWay() {
      const query = `${FILE_WORKFLOWS} AND ExecutionStatus = "Running"`;
      for await (const { workflowId, memo } of workflow.list({ query })) {
        if ((installationIn(memo) ?? id) === id) yield workflowId;
      }
    },
  };
}
