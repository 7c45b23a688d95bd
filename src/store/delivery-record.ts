/**
 * `<sha>/<endpoint>/delivery.json`: how a file was submitted to an endpoint. Written before its workflow is started, so that reports and
 * retries need nothing but the store.
 */
import { Fault } from '../domain/failure.ts';
import type { ParseOptions } from '../domain/parse-options.ts';
import { parseKey } from '../domain/parse-options.ts';
import type { DeliveryOf } from './layout.ts';
import { deliveryKey, deliveryPrefix, isOldJournal, optionsKey } from './layout.ts';
import type { Store } from './store.ts';

export interface DeliveryRecord extends DeliveryOf {
  readonly fileName: string;
  readonly workflowId: string;
  /** Those that its receipts belong to, once there may be any (`settleOptions`); until then those of the latest submission. */
  readonly parse: ParseOptions;
  readonly firstSubmittedAt: string;
}

/** undefined: never submitted to this endpoint. */
export async function readDeliveryRecord(store: Store, of: DeliveryOf): Promise<DeliveryRecord | undefined> {
  const bytes = await store.get(deliveryKey(of));
  if (bytes === undefined) return undefined;
  const record = JSON.parse(bytes.toString('utf8')) as DeliveryRecord;
  return { ...record, parse: (await settledOptions(store, of)) ?? record.parse };
}

/** The endpoints that a file was submitted to. */
export async function deliveriesOf(store: Store, sha256: string): Promise<DeliveryRecord[]> {
  const records: DeliveryRecord[] = [];
  for (const endpoint of await store.list(sha256)) {
    if (endpoint.includes('.') || endpoint === 'content' || endpoint.startsWith('chunks-')) continue;
    const record = await readDeliveryRecord(store, { sha256, endpoint });
    if (record !== undefined) records.push(record);
  }
  return records;
}

/** Keeps the record of the first submission, but for other parse options while they are not settled. Returns what holds. */
export async function settleDeliveryRecord(store: Store, wanted: DeliveryRecord): Promise<DeliveryRecord> {
  const known = await readDeliveryRecord(store, wanted);
  if (known !== undefined) {
    const settled = (await settledOptions(store, wanted)) !== undefined || (await hasOldReceipts(store, wanted));
    if (settled || parseKey(known.parse) === parseKey(wanted.parse)) return known;
  }
  const record = { ...wanted, firstSubmittedAt: known?.firstSubmittedAt ?? wanted.firstSubmittedAt };
  await store.put(deliveryKey(wanted), `${JSON.stringify(record, null, 2)}\n`);
  return record;
}

/**
 * While the disk of a store is not mounted, what is written lies below the mount, and is gone when it is there again. That a record is seen after
 * the store was found to be the right one says that it was written there. Throws Fault `store`.
 */
export async function requireInSight(store: Store, record: DeliveryRecord): Promise<void> {
  if (store.lasting || (await store.exists(deliveryKey(record)))) return;
  throw new Fault(
    'store',
    `what was written about ${record.fileName} is not in the store: its disk was not mounted for a moment`,
    'Nothing was sent. A watcher tries it again by itself; else send it again.',
  );
}

/**
 * Settles the parse options of a delivery for good, if they are not yet, and returns those that hold. Receipts name an alert by its line and
 * lie by chunk: with other options they would say nothing, so nothing is sent before this.
 */
export async function settleOptions(store: Store, of: DeliveryOf, wanted: ParseOptions): Promise<ParseOptions> {
  const known = await settledOptions(store, of);
  if (known !== undefined) return known;
  // Receipts of before there was options.json belong to the record's.
  const record = (await hasOldReceipts(store, of)) ? await readDeliveryRecord(store, of) : undefined;
  await store.create(optionsKey(of), `${JSON.stringify(record?.parse ?? wanted, null, 2)}\n`);
  return (await settledOptions(store, of))!;
}

/** undefined: they are not settled. */
async function settledOptions(store: Store, of: DeliveryOf): Promise<ParseOptions | undefined> {
  const bytes = await store.get(optionsKey(of));
  return bytes === undefined ? undefined : (JSON.parse(bytes.toString('utf8')) as ParseOptions);
}

const hasOldReceipts = async (store: Store, of: DeliveryOf): Promise<boolean> =>
  (await store.list(deliveryPrefix(of))).some(isOldJournal);
