/**
 * The names that files were submitted under, so that a person may call a file by its name:
 *
 *   names/<2 digits>/<14 digits>.<sha>.<endpoint>   the digits are a hash of the name: one object for each name, file and endpoint
 *   names/complete                                  what was submitted before there were names is here, too
 *
 * Written before the delivery's record; a name without one counts for nothing.
 */
import { createHash } from 'node:crypto';
import type { DeliveryRecord } from './delivery-record.ts';
import { deliveriesOf, readDeliveryRecord } from './delivery-record.ts';
import type { DeliveryOf } from './layout.ts';
import type { Store } from './store.ts';

const COMPLETE = 'names/complete';
const READ_AT_ONCE = 32;
const HASH = /^[0-9a-f]{64}$/;

/** `names` and all the other names of a store are no hashes. */
export const isFileHash = (name: string): boolean => HASH.test(name);
export const storedFiles = async (store: Store): Promise<string[]> => (await store.list('')).filter(isFileHash);

/** To be called before a file is submitted under a name. Idempotent. */
export async function rememberName(store: Store, fileName: string, { sha256, endpoint }: DeliveryOf): Promise<void> {
  const { prefix, rest } = placeOf(fileName);
  const key = `${prefix}/${rest}.${sha256}.${endpoint}`;
  if (!(await store.exists(key))) await store.create(key, `${JSON.stringify({ fileName })}\n`);
}

/** The deliveries of all files that were ever submitted under a name, the newest first. */
export async function deliveriesNamed(store: Store, fileName: string): Promise<DeliveryRecord[]> {
  if (!(await store.exists(COMPLETE))) await rememberEarlierNames(store);
  const { prefix, rest } = placeOf(fileName);
  const found: DeliveryRecord[] = [];
  for (const name of await store.list(prefix)) {
    const [digits, sha256 = '', endpoint = ''] = name.split('.');
    const record = digits === rest ? await readDeliveryRecord(store, { sha256, endpoint }) : undefined;
    if (record !== undefined) found.push(record);
  }
  return found.sort((a, b) => b.firstSubmittedAt.localeCompare(a.firstSubmittedAt));
}

/** Once a store: what earlier versions have submitted. */
async function rememberEarlierNames(store: Store): Promise<void> {
  const files = await storedFiles(store);
  for (let from = 0; from < files.length; from += READ_AT_ONCE) {
    const records = await Promise.all(files.slice(from, from + READ_AT_ONCE).map((file) => deliveriesOf(store, file)));
    await Promise.all(records.flat().map((record) => rememberName(store, record.fileName, record)));
  }
  await store.create(COMPLETE, '');
}

function placeOf(fileName: string): { readonly prefix: string; readonly rest: string } {
  const digits = createHash('sha256').update(fileName).digest('hex').slice(0, 16);
  return { prefix: `names/${digits.slice(0, 2)}`, rest: digits.slice(2) };
}
