/**
 * wds's search attributes in a namespace that wds does not run itself. They make files findable in the Web UI and in `temporal workflow
 * list`; without them wds works all the same, so a refusal here is an answer, not an error.
 */
import type { Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { SEARCH_ATTRIBUTE_TYPES, SEARCH_ATTRIBUTES } from '../domain/names.ts';
import { reasonOf } from '../thrown.ts';

const { INDEXED_VALUE_TYPE_INT, INDEXED_VALUE_TYPE_KEYWORD } = proto.temporal.api.enums.v1.IndexedValueType;
const CODES = { Keyword: INDEXED_VALUE_TYPE_KEYWORD, Int: INDEXED_VALUE_TYPE_INT } as const;
const LIMIT_MS = 10_000;

export type SearchAttributeName = (typeof SEARCH_ATTRIBUTES)[keyof typeof SEARCH_ATTRIBUTES];

interface SearchAttributeState {
  /** Registered with the right type: only these may be set on a workflow. */
  readonly usable: readonly SearchAttributeName[];
  readonly missing: readonly SearchAttributeName[];
  /** Why `missing` is not empty. */
  readonly reason?: string;
}

/** Looks, and registers nothing. Without the permission to look, all count as missing. */
export async function findSearchAttributes(connection: Connection, namespace: string): Promise<SearchAttributeState> {
  try {
    const { customAttributes } = await connection.withDeadline(Date.now() + LIMIT_MS, () =>
      connection.operatorService.listSearchAttributes({ namespace }),
    );
    return stateOf((name) => customAttributes?.[name] === CODES[SEARCH_ATTRIBUTE_TYPES[name]]);
  } catch (error) {
    return stateOf(() => false, reasonOf(error));
  }
}

/** Registers what is missing, where the service permits it (Temporal Cloud does not: there `tcld` or its web page does). */
export async function ensureSearchAttributes(
  connection: Connection,
  namespace: string,
): Promise<SearchAttributeState & { readonly registered: readonly SearchAttributeName[] }> {
  const before = await findSearchAttributes(connection, namespace);
  if (before.missing.length === 0) return { ...before, registered: [] };
  let reason = before.reason;
  try {
    const searchAttributes = Object.fromEntries(
      before.missing.map((name) => [name, CODES[SEARCH_ATTRIBUTE_TYPES[name]]]),
    );
    await connection.withDeadline(Date.now() + LIMIT_MS, () =>
      connection.operatorService.addSearchAttributes({ namespace, searchAttributes }),
    );
  } catch (error) {
    reason = reasonOf(error);
  }
  const after = await findSearchAttributes(connection, namespace);
  const registered = after.usable.filter((name) => !before.usable.includes(name));
  return { ...after, registered, ...(after.missing.length === 0 || reason === undefined ? {} : { reason }) };
}

function stateOf(isUsable: (name: SearchAttributeName) => boolean, reason?: string): SearchAttributeState {
  const names = Object.values(SEARCH_ATTRIBUTES);
  const usable = names.filter(isUsable);
  const missing = names.filter((name) => !usable.includes(name));
  return { usable, missing, ...(reason === undefined ? {} : { reason }) };
}
