/**
 * Whether nobody listens where Temporal should be: gRPC tries again until its deadline of many seconds, and only then says that each attempt was
 * refused.
 */
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { isErrno } from '../thrown.ts';

/** Twice, for a server that is just being started again. */
const TRIES = 2;
const BETWEEN_MS = 400;
const DEFAULT_PORT = 7233;

/** Rejects with the reason when the address refuses to be connected to, or its name is unknown. Else it stays pending until the signal aborts. */
export async function refusal(address: string, signal: AbortSignal): Promise<never> {
  const target = hostAndPort(address);
  let reason: unknown;
  for (let tries = 0; tries < TRIES && target !== undefined; tries++) {
    if (tries > 0) await pause(BETWEEN_MS, undefined, { signal });
    reason = await refusedBy(target, signal);
    if (reason === undefined) break;
  }
  if (reason !== undefined) throw reason;
  return new Promise(() => undefined);
}

/** undefined: somebody listens, or that is not known. */
function refusedBy(target: { readonly host: string; readonly port: number }, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    const socket = connect({ ...target, signal });
    socket.once('connect', () => resolve(undefined));
    socket.once('error', (error) =>
      resolve(isErrno(error, 'ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN') ? error : undefined),
    );
    socket.once('close', () => resolve(undefined));
    socket.once('connect', () => socket.destroy());
  });
}

/** `host:port`, `[::1]:port`, `host`; undefined: an address of another kind. */
export function hostAndPort(address: string): { readonly host: string; readonly port: number } | undefined {
  const [, six, four, port] = /^(?:\[([0-9a-f:.]+)\]|([^:/[\]]+))(?::(\d{1,5}))?$/i.exec(address) ?? [];
  const host = six ?? four;
  return host === undefined ? undefined : { host, port: port === undefined ? DEFAULT_PORT : Number(port) };
}
