/** An application behind the API that answers as the test says; uploads and posts are real, in an inbox of the test's own. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { Access } from '../../src/api/access.ts';
import { buildServer } from '../../src/api/server.ts';
import type { FoundUser } from '../../src/app/find-user.ts';
import { previewFile } from '../../src/app/preview.ts';
import type { Receipt, ServedApp } from '../../src/app/served.ts';
import { loadSettings } from '../../src/config/load.ts';
import type { FlagValues } from '../../src/config/sources.ts';
import { Fault } from '../../src/domain/failure.ts';
import { Entrance } from '../../src/intake/entrance.ts';
import { Uploads } from '../../src/intake/uploads.ts';
import { Monitoring } from '../../src/monitoring/monitoring.ts';
import { Posts } from '../../src/posts/posts.ts';
import { ENDPOINT, FILE, STATUS } from '../cli/fake-app.ts';
import { makeFolder } from '../config/folder.ts';

export const RECEIPT: Receipt = {
  userId: '+41 79',
  line: 2,
  outcome: 'delivered',
  status: 200,
  attempts: 1,
  finishedAt: '2026-01-02T03:04:05.000Z',
  webhookId: 'crm_3f2a_2',
  reason: '',
};

export const FOUND: FoundUser = {
  userId: 'u/1',
  alerts: [
    {
      file: 'alerts.csv',
      sha256: FILE.sha256,
      endpoint: 'crm',
      workflowId: FILE.workflowId,
      line: 2,
      outcome: 'rejected',
      status: 400,
      attempts: 1,
      at: '2026-01-02T03:04:05.000Z',
      reason: 'HTTP 400: <no>',
      unknownAnswers: 0,
      webhookId: 'crm_3f2a_2',
      submittedAt: '2026-01-02T03:04:05.000Z',
    },
  ],
  more: 3,
  unsearched: [],
};

export interface Scene {
  readonly app?: Partial<ServedApp>;
  readonly settings?: Readonly<Record<string, string>>;
  readonly token?: string;
}

export interface ApiUnderTest {
  readonly server: FastifyInstance;
  readonly inbox: string;
  readonly orders: readonly string[];
}

export async function apiUnderTest({ app = {}, settings = {}, token }: Scene = {}): Promise<ApiUnderTest> {
  const folder = await makeFolder();
  const inbox = join(folder, 'inbox');
  await mkdir(inbox);
  const flags: FlagValues = Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [key, { value, flag: `--${key}` }]),
  );
  const loaded = (await loadSettings({ cwd: folder, env: {}, flags })).settings;
  const entrance = new Entrance(inbox);
  await entrance.enter();
  const { sidecar, parse, api } = loaded;
  const posts = new Posts({ entrance, parse, gatherMs: api.gatherMs, sidecar, say: () => undefined });
  await posts.begin();
  const orders: string[] = [];
  const known = async (id: string): Promise<typeof FILE> => {
    if (!FILE.sha256.startsWith(id) && id !== FILE.file)
      throw new Fault('not_found', `wds knows no delivery of ${id}`, 'Ask for another.');
    return FILE;
  };
  const monitoring = new Monitoring();
  for (const part of ['temporal', 'inbox', 'posts']) monitoring.readiness.add(part, () => 'ok');
  monitoring.readiness.begun();
  const served: ServedApp = {
    settings: loaded,
    logger: pino({ level: 'silent' }),
    monitoring,
    temporalPage: (workflowId) => `http://127.0.0.1:8233/namespaces/default/workflows/${workflowId}`,
    inboxes: [
      { endpoints: ['crm'], uploads: new Uploads(entrance, { sidecar, maxBytes: api.maxUploadBytes }), posts, parse },
    ],
    status: async () => STATUS,
    file: known,
    receipts: async (id) => {
      await known(id);
      return (async function* () {
        yield [RECEIPT];
        yield [{ ...RECEIPT, line: 3, userId: '=1', outcome: 'pending', finishedAt: null, status: null }] as const;
      })();
    },
    beginRetry: async (id, unconfirmed) => {
      orders.push(`retry ${id} ${unconfirmed}`);
      const { file, sha256, workflowId } = FILE;
      return [{ file, sha256, workflowId, outcome: 'retried' }];
    },
    user: async (userId) => ({ ...FOUND, userId }),
    reportPage: async (id) => (id === FILE.file ? '<!doctype html><title>Report</title>' : undefined),
    pauseFile: async (id, paused) => ({ ...(await known(id)), state: paused ? 'paused' : 'running' }),
    approveFile: async (id) => ({ ...(await known(id)), state: 'running' }),
    cancelFile: async (id) => ({ ...(await known(id)), state: 'cancelled' }),
    endpoints: async () => [ENDPOINT],
    endpoint: async (name, order) => {
      if (name !== 'crm') throw new Fault('not_found', `wds knows no endpoint ${name}`);
      orders.push(`endpoint ${JSON.stringify(order)}`);
      return ENDPOINT;
    },
    preview: (path, name) => previewFile(path, loaded, name),
    requireRoom: async () => undefined,
    ...app,
  };
  const server = await buildServer({ app: served, access: new Access(served.settings.api.host, token) });
  onTestFinished(async () => {
    await server.close();
    await posts.close();
    await entrance.close();
  });
  return { server, inbox, orders };
}
