/** The house of an installation: its store, its inboxes on this host, and Temporal, which knows what runs. */
import { WorkflowNotFoundError } from '@temporalio/client';
import type { InboxSettings } from '../../config/settings.ts';
import { installationIn } from '../../domain/names.ts';
import { openBucket } from '../../store/s3/s3-bucket.ts';
import type { Installation } from '../../temporal/installation.ts';
import { FILE_WORKFLOWS } from '../file-status.ts';
import { BucketOriginals } from './bucket-originals.ts';
import type { House } from './house.ts';
import type { Originals } from './originals.ts';
import { FolderOriginals } from './originals.ts';

/** Beside a bucket: what came by the API. */
export const originalsOf = ({ folder, bucket }: Pick<InboxSettings, 'folder' | 'bucket'>): Originals[] => [
  new FolderOriginals(folder),
  ...(bucket === undefined ? [] : [new BucketOriginals(() => openBucket(bucket))]),
];

export function houseOf(installation: Installation): House {
  const { store, ledgers, users, reports, parts, settings, temporal, id } = installation;
  const { workflow } = temporal.client;
  return {
    ...{ store, ledgers, users, reports, parts, inboxes: settings.inboxes.flatMap(originalsOf) },
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
