/**
 * `endpoints/<name in lower case>.json`: the endpoints of this store. Receipts lie in folders that are named by the endpoint, and on a disk
 * that does not see case `CRM` and `crm` are one folder: what was delivered to one would count for the other. So of names that differ only
 * in case a store takes the first.
 */
import { Fault } from '../domain/failure.ts';
import type { Store } from './store.ts';

/** Throws Fault `config` where the store knows another spelling of the name. */
export async function settleEndpointName(store: Store, name: string): Promise<void> {
  const key = `endpoints/${name.toLowerCase()}.json`;
  const known = (await nameIn(store, key)) ?? (await create(store, key, name));
  if (known === name) return;
  throw new Fault(
    'config',
    `this home has an endpoint ${known}: the name ${name} differs from it only in case`,
    `Write endpoint.name as it is, ${known}, or choose a name that differs in more.`,
  );
}

async function create(store: Store, key: string, name: string): Promise<string> {
  await store.create(key, `${JSON.stringify({ name })}\n`);
  return (await nameIn(store, key)) ?? name;
}

async function nameIn(store: Store, key: string): Promise<string | undefined> {
  const bytes = await store.get(key);
  return bytes === undefined ? undefined : (JSON.parse(bytes.toString('utf8')) as { readonly name: string }).name;
}
