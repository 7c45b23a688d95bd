/** Looks at the Temporal service that the settings name, or at the embedded server of the home where one runs: starts nothing, changes nothing. */
import type { Client } from '@temporalio/client';
import type { TemporalFlags } from '../config/settings.ts';
import { findServer } from '../dev-server/find-server.ts';
import { alertsTaskQueue, FILE_WORKFLOW, filesTaskQueue } from '../domain/names.ts';
import { reasonOf } from '../thrown.ts';
import { connect, devServerTarget, temporalTarget } from './connection.ts';
import { governedEndpoints } from './governor-client.ts';
import { findSearchAttributes } from './search-attributes.ts';
import type { Poller } from './task-queue-state.ts';
import { pollersOf } from './task-queue-state.ts';

export interface LookOptions {
  readonly home: string;
  readonly flags: TemporalFlags;
  /** undefined: the home has no store yet. */
  readonly installation: string | undefined;
  /** The configured ones. */
  readonly endpoints: readonly string[];
}

export interface TemporalLook {
  readonly address: string;
  readonly namespace: string;
  readonly embedded: boolean;
  readonly version: string;
  /** Why the namespace cannot be used. */
  readonly namespaceFault?: string;
  /** Search attributes that are not registered. */
  readonly missing: readonly string[];
  /** Of this installation. */
  readonly queues: readonly { readonly does: string; readonly pollers: readonly Poller[] }[];
  /** Deliveries that run in the namespace. */
  readonly files: number;
}

/** undefined: none is named, and the embedded server does not run. Throws Faults `temporal_unreachable` and `config`. */
export async function lookAtTemporal(options: LookOptions): Promise<TemporalLook | undefined> {
  const configured = temporalTarget(options.flags);
  const server = configured === undefined ? await findServer(options.home) : undefined;
  const target = configured ?? (server && devServerTarget(server));
  if (target === undefined) return undefined;
  const { connection, client, address, namespace, close } = await connect(target);
  try {
    const { workflowService } = connection;
    const { serverVersion } = await workflowService.getSystemInfo({});
    const base = { address, namespace, embedded: server !== undefined, version: serverVersion || 'unknown' };
    const namespaceFault = await workflowService.describeNamespace({ namespace }).then(
      () => undefined,
      (error: unknown) => reasonOf(error),
    );
    if (namespaceFault !== undefined) return { ...base, namespaceFault, missing: [], queues: [], files: 0 };
    const { missing } = await findSearchAttributes(connection, namespace);
    return { ...base, missing, queues: await queuesOf(client, options), files: await runningFiles(client) };
  } finally {
    await close();
  }
}

async function queuesOf(
  client: Client,
  { installation, endpoints: configured }: LookOptions,
): Promise<TemporalLook['queues']> {
  if (installation === undefined) return [];
  const governed = await governedEndpoints(client, installation);
  const endpoints = [...new Set([...configured, ...governed])];
  const nowMs = Date.now();
  const files = await pollersOf(client, filesTaskQueue(installation), 'workflow', nowMs);
  const alerts = endpoints.map(async (name) => ({
    does: `sending to ${name}`,
    pollers: await pollersOf(client, alertsTaskQueue(name, installation), 'activity', nowMs),
  }));
  return [{ does: 'reading files', pollers: files }, ...(await Promise.all(alerts))];
}

async function runningFiles(client: Client): Promise<number> {
  const query = `WorkflowType = "${FILE_WORKFLOW}" AND ExecutionStatus = "Running"`;
  return (await client.workflow.count(query)).count;
}
