import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, connectNative, devServerTarget, temporalTarget } from '../../src/temporal/connection.ts';
import { ensureSearchAttributes, findSearchAttributes } from '../../src/temporal/search-attributes.ts';
import { connectToTestServer, connectWorkerToTestServer } from '../support/dev-server.ts';

let folder: string;
/** No settings, and no configuration file of the person who runs the tests. */
let bare: NodeJS.ProcessEnv;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wds-connection-'));
  bare = { TEMPORAL_CONFIG_FILE: join(folder, 'none.toml') };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('where the Temporal service is', () => {
  it('is nowhere when no setting names one', () => {
    expect(temporalTarget({}, bare)).toBeUndefined();
  });

  it('is taken from the flag before the environment before the TOML profile', async () => {
    const file = join(folder, 'temporal.toml');
    await writeFile(file, '[profile.default]\naddress = "file:1"\nnamespace = "from-file"\n');
    const env = { TEMPORAL_CONFIG_FILE: file };

    expect(temporalTarget({}, env)).toMatchObject({ address: 'file:1', namespace: 'from-file' });
    expect(temporalTarget({}, { ...env, TEMPORAL_ADDRESS: 'env:2' })).toMatchObject({
      address: 'env:2',
      namespace: 'from-file',
    });
    const flagged = temporalTarget(
      { address: 'flag:3', namespace: 'from-flag' },
      { ...env, TEMPORAL_ADDRESS: 'env:2' },
    );
    expect(flagged).toMatchObject({
      address: 'flag:3',
      namespace: 'from-flag',
      connectionOptions: { address: 'flag:3' },
    });
  });

  it('is the named profile of the file', async () => {
    const file = join(folder, 'profiles.toml');
    await writeFile(file, '[profile.staging]\naddress = "staging:7233"\napi_key = "k"\n');
    const target = temporalTarget({ profile: 'staging' }, { TEMPORAL_CONFIG_FILE: file });
    expect(target).toMatchObject({ address: 'staging:7233', connectionOptions: { apiKey: 'k', tls: true } });
  });

  it('is refused with the next step when the settings cannot be read', () => {
    expect(() => temporalTarget({ profile: 'nowhere' }, bare)).toThrow(
      expect.objectContaining({
        name: 'Fault',
        code: 'config',
        nextStep: expect.stringContaining('TEMPORAL_CONFIG_FILE'),
      }),
    );
  });
});

describe('connecting', () => {
  it('gives a client and a worker connection to a server that answers', async () => {
    const temporal = await connectToTestServer();
    const native = await connectWorkerToTestServer();
    try {
      await expect(temporal.connection.workflowService.getSystemInfo({})).resolves.toBeDefined();
      expect(temporal.namespace).toBe('default');
    } finally {
      await native.close();
      await temporal.close();
    }
  });

  it('names the address when nobody listens', async () => {
    const target = devServerTarget({ address: '127.0.0.1:1' });
    const fault = { code: 'temporal_unreachable', message: expect.stringContaining('127.0.0.1:1') };
    await expect(connect(target, 500)).rejects.toMatchObject(fault);
    await expect(connectNative(target, 500)).rejects.toMatchObject(fault);
  });

  it('gives up on a host that accepts and never answers', async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const sockets = new Set<{ destroy(): void }>();
    silent.on('connection', (socket) => sockets.add(socket.on('error', () => undefined)));
    try {
      const target = devServerTarget({ address: `127.0.0.1:${port}` });
      await expect(connect(target, 300)).rejects.toMatchObject({ code: 'temporal_unreachable' });
      await expect(connectNative(target, 300)).rejects.toMatchObject({ code: 'temporal_unreachable' });
    } finally {
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  });
});

describe('search attributes', () => {
  it('are there on the dev server from its start', async () => {
    const temporal = await connectToTestServer();
    try {
      const state = await ensureSearchAttributes(temporal.connection, 'default');
      const usable = ['WdsFileName', 'WdsEndpoint', 'WdsRows', 'WdsFailed'];
      expect(state).toEqual({ usable, missing: [], registered: [] });
    } finally {
      await temporal.close();
    }
  });

  it('are reported as missing, with the reason, when the service refuses', async () => {
    const temporal = await connectToTestServer();
    try {
      const state = await findSearchAttributes(temporal.connection, 'no-such-namespace');
      expect(state.usable).toEqual([]);
      expect(state.missing).toHaveLength(4);
      expect(state.reason).toMatch(/no-such-namespace|not found/);
    } finally {
      await temporal.close();
    }
  });
});
