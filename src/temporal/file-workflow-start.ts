/** With what the workflow of a file is started. */
import { randomUUID } from 'node:crypto';
import type { WorkflowStartOptions } from '@temporalio/client';
import type { Priority } from '@temporalio/common';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import type { DeliveryOptions, FilePriority, FileWorkflowInput } from '../domain/contracts.ts';
import { SMALL_FILE_BYTES } from '../domain/file-plan.ts';
import { filesTaskQueue, INSTALLATION_MEMO, REOPENS_MEMO, SEARCH_ATTRIBUTES } from '../domain/names.ts';
import type { DeliveryRecord } from '../store/delivery-record.ts';

/** With the default of 10 s, a task given to a worker that was just killed comes back only then (measured). */
const WORKFLOW_TASK_TIMEOUT = '3s';

export interface FileStart {
  readonly installation: string;
  readonly delivery: DeliveryOptions;
  readonly searchAttributes: boolean;
  readonly reopenUnconfirmed?: boolean;
  readonly priority?: FilePriority;
  /** Of what is to be read; undefined: not known. */
  readonly contentBytes?: number;
}

export function fileWorkflowStart(record: DeliveryRecord, how: FileStart): WorkflowStartOptions {
  const { workflowId, sha256, fileName, endpoint, parse } = record;
  const { installation, delivery, searchAttributes, reopenUnconfirmed = false, priority = 'normal' } = how;
  const small = how.contentBytes !== undefined && how.contentBytes <= SMALL_FILE_BYTES;
  const file = { installation, sha256, fileName, endpoint, ...(small ? { small } : {}) };
  const reopening = reopenUnconfirmed ? { reopenUnconfirmed, press: randomUUID() } : { reopenUnconfirmed };
  const input: FileWorkflowInput = { ...file, parse, delivery, ...reopening, searchAttributes };
  return {
    workflowId,
    taskQueue: filesTaskQueue(installation),
    args: [input],
    memo: { [INSTALLATION_MEMO]: installation, ...(reopenUnconfirmed ? { [REOPENS_MEMO]: true } : {}) },
    workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
    workflowIdConflictPolicy: 'FAIL',
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    priority: priorityOf(sha256, priority),
    staticSummary: `${fileName} → ${endpoint}`,
    staticDetails: `File **${fileName}** (SHA-256 \`${sha256}\`), delivered to endpoint **${endpoint}**.`,
    ...(searchAttributes ? { typedSearchAttributes: attributesOf(record) } : {}),
  };
}

/** Inherited by the file's activities, and by the runs that continue it. Files of one priority take turns, whatever their size. */
const priorityOf = (sha256: string, priority: FilePriority): Priority => ({
  priorityKey: priority === 'urgent' ? 1 : 3,
  fairnessKey: sha256.slice(0, 16),
});

const attributesOf = ({ fileName, endpoint }: DeliveryRecord): TypedSearchAttributes =>
  new TypedSearchAttributes([
    { key: defineSearchAttributeKey(SEARCH_ATTRIBUTES.fileName, 'KEYWORD'), value: fileName },
    { key: defineSearchAttributeKey(SEARCH_ATTRIBUTES.endpoint, 'KEYWORD'), value: endpoint },
  ]);
