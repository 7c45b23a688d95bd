/** Finding deliveries: one by what a person calls it, or all that have something to retry. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Fault } from '../domain/failure.ts';
import { installationIn, parseFileWorkflowId } from '../domain/names.ts';
import type { DeliveryRecord } from '../store/delivery-record.ts';
import { deliveriesOf } from '../store/delivery-record.ts';
import type { Installation } from '../temporal/installation.ts';
import { FILE_WORKFLOWS } from './file-status.ts';

/** `file`: a path, a SHA-256 (8 digits or more) or a workflow ID. Throws Fault `not_found`. */
export async function findDelivery(
  { store }: Installation,
  file: string,
  endpoint: string | undefined,
): Promise<DeliveryRecord> {
  const named = parseFileWorkflowId(file);
  const sha256 = named?.sha256 ?? (await hashOf(file)) ?? (await storedHash(await store.list(''), file));
  const records = sha256 === undefined ? [] : await deliveriesOf(store, sha256);
  const wanted = named?.endpoint ?? endpoint;
  const found = records.find((record) => record.endpoint === wanted) ?? (records.length === 1 ? records[0] : undefined);
  if (found !== undefined) return found;
  if (records.length > 1) {
    const ids = records.map((record) => record.workflowId).join(', ');
    throw new Fault('not_found', `${file} was delivered to several endpoints`, `Name one by its workflow ID: ${ids}`);
  }
  throw new Fault(
    'not_found',
    `wds knows no delivery of ${file}`,
    'Name the file by its path, its SHA-256 (8 digits or more) or its workflow ID; `wds status` lists them. Check --home, too.',
  );
}

async function hashOf(path: string): Promise<string | undefined> {
  const isFile = await stat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );
  if (!isFile) return undefined;
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest('hex');
}

async function storedHash(hashes: readonly string[], prefix: string): Promise<string | undefined> {
  if (!/^[0-9a-f]{8,64}$/.test(prefix)) return undefined;
  const found = hashes.filter((hash) => hash.startsWith(prefix));
  if (found.length > 1) throw new Fault('not_found', `${prefix} stands for ${found.length} files`, 'Give more digits.');
  return found[0];
}

/** Deliveries whose newest run failed, was terminated, cancelled or timed out. */
export async function findRetryable({ store, temporal, id }: Installation): Promise<DeliveryRecord[]> {
  const records: DeliveryRecord[] = [];
  const query = `${FILE_WORKFLOWS} AND ExecutionStatus IN ("Failed", "Terminated", "Canceled", "TimedOut")`;
  const seen = new Set<string>();
  for await (const { workflowId } of temporal.client.workflow.list({ query })) {
    const named = parseFileWorkflowId(workflowId);
    if (named === undefined || seen.has(workflowId)) continue;
    seen.add(workflowId);
    // An older failed run of a delivery that was retried is not a failed delivery.
    const newest = await temporal.client.workflow.getHandle(workflowId).describe();
    if (newest.status.name === 'RUNNING' || newest.status.name === 'COMPLETED') continue;
    // What another installation has begun is retried from there.
    if ((installationIn(newest.memo) ?? id) !== id) continue;
    const record = (await deliveriesOf(store, named.sha256)).find(({ endpoint }) => endpoint === named.endpoint);
    if (record !== undefined) records.push(record);
  }
  return records;
}
