/** For the tests that need it: a build of the sources as they are, and one dev server, in a folder of its own, for the whole run. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startDevServer } from '../src/dev-server/dev-server.ts';
import build from './build.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** host:port of the shared dev server. */
    temporalAddress: string;
  }
}

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  build();
  const home = await mkdtemp(join(tmpdir(), 'wds-test-server-'));
  const server = await startDevServer({
    home,
    mark: 'wds-tests',
    log: (text) => process.stderr.write(`${text}\n`),
    port: 0,
    uiPort: 0,
    durable: false,
  });
  project.provide('temporalAddress', server.address);
  return async () => {
    await server.stop();
    await rm(home, { recursive: true, force: true });
  };
}
