/**
 * The Temporal dev server that all tests of a run share (test/global-setup.ts). A test file that imports this gets it. Tests keep apart
 * by names: take a `uniqueName` for endpoints, and with it for queues and workflow IDs.
 */
import { randomUUID } from 'node:crypto';
import type { NativeConnection } from '@temporalio/worker';
import { inject } from 'vitest';
import type { TemporalConnection, TemporalTarget } from '../../src/temporal/connection.ts';
import { connect, connectNative, devServerTarget } from '../../src/temporal/connection.ts';

/** host:port of the shared server. */
export function temporalAddress(): string {
  return inject('temporalAddress');
}

export function testTarget(): TemporalTarget {
  return devServerTarget({ address: temporalAddress() });
}

/** For clients; the caller closes it. */
export async function connectToTestServer(): Promise<TemporalConnection> {
  return await connect(testTarget());
}

/** For workers; the caller closes it after its workers have ended. */
export async function connectWorkerToTestServer(): Promise<NativeConnection> {
  return await connectNative(testTarget());
}

/** The environment for a wds process that is to use the shared server. */
export function testServerEnv(): Record<string, string> {
  return { TEMPORAL_ADDRESS: temporalAddress() };
}

/** A valid endpoint name that no other test uses. */
export function uniqueName(prefix = 'e'): string {
  return `${prefix}-${randomUUID().slice(0, 8)}`;
}
