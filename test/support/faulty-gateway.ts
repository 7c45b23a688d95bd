/** A real S3 service for the tests of one file, with a proxy before it that fails as they wish, and a home for what is kept beside the bucket. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { FaultyProxy } from './faulty-proxy.ts';
import { startFaultyProxy } from './faulty-proxy.ts';
import type { Gateway } from './versitygw.ts';
import { BUILD_LIMIT_MS, CREDENTIALS, HAS_GATEWAY, startGateway } from './versitygw.ts';

export interface FaultyGateway {
  readonly gateway: Gateway;
  readonly proxy: FaultyProxy;
  readonly home: string;
}

/** Runs from the first test to the last one; each begins without faults. Its members are there from the first test on. */
export function useFaultyGateway(): FaultyGateway {
  const parts = {} as { -readonly [Part in keyof FaultyGateway]: FaultyGateway[Part] };
  beforeAll(async () => {
    if (!HAS_GATEWAY) return;
    Object.assign(process.env, CREDENTIALS);
    parts.gateway = await startGateway();
    parts.proxy = await startFaultyProxy(parts.gateway.endpoint);
    parts.home = await mkdtemp(join(tmpdir(), 'wds-s3-home-'));
  }, BUILD_LIMIT_MS);
  beforeEach(() => {
    if (HAS_GATEWAY) parts.proxy.fault = () => undefined;
  });
  afterAll(async () => {
    await parts.proxy?.close();
    await parts.gateway?.stop();
    if (parts.home !== undefined) await rm(parts.home, { recursive: true });
  });
  return parts;
}
