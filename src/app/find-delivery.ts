/** Finding deliveries: one by what a person calls it, or all that have something to retry. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Fault } from '../domain/failure.ts';
import { installationIn, parseFileWorkflowId } from '../domain/names.ts';
import { parseKey } from '../domain/parse-options.ts';
import { readWindow } from '../store/chunks.ts';
import type { DeliveryRecord } from '../store/delivery-record.ts';
import { deliveriesOf } from '../store/delivery-record.ts';
import { deliveriesNamed, storedFiles } from '../store/file-names.ts';
import type { Store } from '../store/store.ts';
import type { Installation } from '../temporal/installation.ts';
import { SeveralFiles } from './app.ts';
import { FILE_WORKFLOWS } from './file-status.ts';

const LEAST_DIGITS = 8;
const MOST_LISTED = 20;

/**
 * `file`: the name it was dropped under, the path of a file with its bytes, its SHA-256 (8 digits or more), or a workflow ID. `endpoint` decides where
 * one file was delivered to several. Throws Fault `not_found`; SeveralFiles where it is not clear which one is meant.
 *
 * `here`: false for one who asks from elsewhere, and whose paths are not those of this process.
 */
export async function findDelivery(
  store: Store,
  file: string,
  endpoint: string | undefined,
  here = true,
): Promise<DeliveryRecord> {
  const named = parseFileWorkflowId(file);
  const hash = named?.sha256 ?? (here ? await hashOf(file) : undefined);
  const known = hash === undefined ? await byDigits(store, file) : await deliveriesOf(store, hash);
  if (known.length > 0) return choose(store, file, known, named?.endpoint ?? endpoint);
  const called = named === undefined ? await deliveriesNamed(store, basename(file)) : [];
  if (called.length > 0 && hash === undefined) return choose(store, basename(file), called, endpoint);
  if (called.length > 0) {
    const text = `the bytes of ${file} were never delivered; under its name were:`;
    throw await several(store, text, called, endpoint);
  }
  throw new Fault(
    'not_found',
    `wds knows no delivery of ${file}`,
    'Name the file as it was dropped, or by its path, its SHA-256 (8 digits or more) or its workflow ID; `wds status` lists them. Check --home, too.',
  );
}

async function choose(
  store: Store,
  file: string,
  records: readonly DeliveryRecord[],
  endpoint: string | undefined,
): Promise<DeliveryRecord> {
  const there = records.filter((record) => record.endpoint === endpoint);
  const candidates = there.length > 0 ? there : records;
  if (candidates.length === 1) return candidates[0]!;
  const hashes = new Set(candidates.map(({ sha256 }) => sha256));
  const what =
    hashes.size === 1 ? `${file} was delivered to several endpoints:` : `${hashes.size} files are called ${file}:`;
  throw await several(store, what, candidates, endpoint);
}

/** Newest first, as much of each as tells it from the others. */
async function several(
  store: Store,
  what: string,
  records: readonly DeliveryRecord[],
  endpoint: string | undefined,
): Promise<SeveralFiles> {
  const newest = [...records].sort((a, b) => b.firstSubmittedAt.localeCompare(a.firstSubmittedAt));
  const files = await storedFiles(store);
  const nameOf = (record: DeliveryRecord): string => {
    const elsewhere = newest.some((other) => other.sha256 === record.sha256 && other.endpoint !== record.endpoint);
    return elsewhere && record.endpoint !== endpoint ? record.workflowId : digitsOf(record.sha256, files);
  };
  const lines = await Promise.all(
    newest.slice(0, MOST_LISTED).map(async (record) => {
      const at = localMinute(new Date(record.firstSubmittedAt));
      return `  ${nameOf(record)}  ${at}  ${await rowsText(store, record)}  ${record.endpoint}`;
    }),
  );
  const more = newest.length > MOST_LISTED ? [`  … and ${newest.length - MOST_LISTED} older ones`] : [];
  return new SeveralFiles([what, ...lines, ...more].join('\n'), nameOf(newest[0]!));
}

/** The first digits that no other file begins with. */
function digitsOf(sha256: string, files: readonly string[]): string {
  for (let length = LEAST_DIGITS; ; length++) {
    const digits = sha256.slice(0, length);
    if (length >= sha256.length || files.filter((file) => file.startsWith(digits)).length <= 1) return digits;
  }
}

async function rowsText(store: Store, { sha256, parse }: DeliveryRecord): Promise<string> {
  let rows = 0;
  for (let number = 1; ; number++) {
    const window = await readWindow(store, { sha256, parseKey: parseKey(parse), window: number });
    rows += window?.rows ?? 0;
    if (window !== undefined && window.next !== null) continue;
    // Refused, not read to its end yet, or deleted.
    return window === undefined && number === 1
      ? 'rows unknown'
      : `${rows.toLocaleString('en-US')} ${rows === 1 ? 'row' : 'rows'}`;
  }
}

function localMinute(at: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}`;
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

async function byDigits(store: Store, text: string): Promise<DeliveryRecord[]> {
  const prefix = text.toLowerCase();
  if (!/^[0-9a-f]{8,64}$/.test(prefix)) return [];
  const found = (await storedFiles(store)).filter((hash) => hash.startsWith(prefix));
  if (found.length > 1) throw new Fault('not_found', `${prefix} stands for ${found.length} files`, 'Give more digits.');
  return found[0] === undefined ? [] : deliveriesOf(store, found[0]);
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
