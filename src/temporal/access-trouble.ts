/** What the end of a call to Temporal says about this process's access to it, in words for the one who mends it. */
import { grpcErrorIn, reasonOf } from '../thrown.ts';

export type TroubleKind = 'permission_denied' | 'unauthenticated' | 'namespace_unknown' | 'unreachable';
export const TROUBLE_KINDS = ['permission_denied', 'unauthenticated', 'namespace_unknown', 'unreachable'] as const;

export interface AccessTrouble {
  readonly kind: TroubleKind;
  readonly reason: string;
}

/** Codes of gRPC, as its clients and the SDK's figures name them. */
const NOT_FOUND = 5;
const DEADLINE_EXCEEDED = 4;
const KINDS: ReadonlyMap<number | string, TroubleKind> = new Map<number | string, TroubleKind>([
  [7, 'permission_denied'],
  ['PERMISSION_DENIED', 'permission_denied'],
  [16, 'unauthenticated'],
  ['UNAUTHENTICATED', 'unauthenticated'],
  ['NOT_FOUND', 'namespace_unknown'],
  [14, 'unreachable'],
  ['UNAVAILABLE', 'unreachable'],
]);

/** By the name of a status, of a poll: what a poll does not find is its namespace. */
export const troubleOfStatus = (status: string): TroubleKind | undefined => KINDS.get(status);

/** undefined: whatever else is wrong, it is not the access. */
export function troubleOf(error: unknown): AccessTrouble | undefined {
  const inner = grpcErrorIn(error);
  if (inner === undefined) return undefined;
  const reason = reasonOf(inner);
  const kind = inner.code === NOT_FOUND ? namespaceUnknown(reason) : KINDS.get(inner.code);
  return kind === undefined ? undefined : { kind, reason };
}

const namespaceUnknown = (reason: string): TroubleKind | undefined =>
  /^namespace .*not found/i.test(reason) ? 'namespace_unknown' : undefined;

/** It has taken too long: perhaps Temporal is out of reach, perhaps nobody works on what was asked. */
export const isLate = (error: unknown): boolean => grpcErrorIn(error)?.code === DEADLINE_EXCEEDED;

/** What to do about it. */
export function adviceOn(kind: TroubleKind, { address, namespace }: { address: string; namespace: string }): string {
  switch (kind) {
    case 'permission_denied':
      return `give what this process signs in with (its API key or client certificate) the right to read and write in namespace ${namespace}`;
    case 'unauthenticated':
      return 'its API key or client certificate has expired, was revoked, or is another cluster’s: renew it (TEMPORAL_API_KEY, TEMPORAL_TLS_CLIENT_CERT_PATH), and restart this process where it does not go on by itself';
    case 'namespace_unknown':
      return `create the namespace (temporal operator namespace create --namespace ${namespace}), or name the right one in TEMPORAL_NAMESPACE`;
    case 'unreachable':
      return `check that Temporal runs at ${address}, the network in between, and that its certificate and this process's have not expired`;
  }
}
