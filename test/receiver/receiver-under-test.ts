/** A receiver in this process, and alerts for it; all that was started is undone after each test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { request } from 'undici';
import { afterEach } from 'vitest';
import { alertBody } from '../../src/domain/alert.ts';
import type { RunningReceiver } from '../../src/receiver/receiver.ts';
import { startReceiver } from '../../src/receiver/receiver.ts';
import type { ReceiverSettings } from '../../src/receiver/receiver-options.ts';

const undo: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

export async function start(settings: ReceiverSettings = {}, clock?: () => number): Promise<RunningReceiver> {
  const receiver = await startReceiver(settings, clock);
  undo.push(() => receiver.close());
  return receiver;
}

export async function tempFile(name: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'wds-receiver-'));
  undo.push(() => rm(folder, { recursive: true }));
  return path.join(folder, name);
}

export async function post(url: string, id: string, userId = id, headers: Record<string, string> = {}) {
  const options = { method: 'POST', headers: { 'webhook-id': id, ...headers }, body: alertBody(userId, 'hello, Zoë') };
  const response = await request(url, options);
  return { status: response.statusCode, headers: response.headers, text: await response.body.text() };
}
