/**
 * `<sha>/<endpoint>/delivery.json`: how a file is delivered to an endpoint. Written before its workflow is started, so that reports and
 * retries need nothing but the store. Receipts name rows by line and chunk, which depend on how the file is parsed: once there are
 * receipts, the parse options are settled for good.
 */
import type { ParseOptions } from '../domain/parse-options.ts';
import { parseKey } from '../domain/parse-options.ts';
import { deliveryKey, receiptsPrefix } from './layout.ts';
import type { Store } from './store.ts';

export interface DeliveryRecord {
  readonly sha256: string;
  readonly endpoint: string;
  readonly fileName: string;
  readonly workflowId: string;
  readonly parse: ParseOptions;
  readonly firstSubmittedAt: string;
}

const RECORD_NAME = 'delivery.json';

/** undefined: never submitted to this endpoint. */
export async function readDeliveryRecord(
  store: Store,
  sha256: string,
  endpoint: string,
): Promise<DeliveryRecord | undefined> {
  const bytes = await store.get(deliveryKey(sha256, endpoint));
  return bytes === undefined ? undefined : (JSON.parse(bytes.toString('utf8')) as DeliveryRecord);
}

/** The endpoints that a file was submitted to. */
export async function deliveriesOf(store: Store, sha256: string): Promise<DeliveryRecord[]> {
  const records: DeliveryRecord[] = [];
  for (const name of await store.list(sha256)) {
    if (name.includes('.') || name === 'content' || name.startsWith('chunks-')) continue;
    const record = await readDeliveryRecord(store, sha256, name);
    if (record !== undefined) records.push(record);
  }
  return records;
}

/** Keeps the record of the first submission, but for other parse options while nothing has been sent yet. Returns what holds. */
export async function settleDeliveryRecord(store: Store, wanted: DeliveryRecord): Promise<DeliveryRecord> {
  const known = await readDeliveryRecord(store, wanted.sha256, wanted.endpoint);
  if (known !== undefined) {
    if (parseKey(known.parse) === parseKey(wanted.parse)) return known;
    const names = await store.list(receiptsPrefix(wanted.sha256, wanted.endpoint));
    if (names.some((name) => name !== RECORD_NAME)) return known;
  }
  await store.put(deliveryKey(wanted.sha256, wanted.endpoint), `${JSON.stringify(wanted, null, 2)}\n`);
  return wanted;
}
