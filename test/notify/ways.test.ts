/** The ways of a notification, against a real server and real commands. */
import { createHmac } from 'node:crypto';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { loadSettings } from '../../src/config/load.ts';
import type { Notification } from '../../src/domain/notices/notifier-contracts.ts';
import { createPost } from '../../src/notify/post-notification.ts';
import { createCommand } from '../../src/notify/run-command.ts';
import { WatchedSecrets } from '../../src/notify/watched-secrets.ts';
import { waysOf } from '../../src/notify/ways.ts';
import { makeFolder } from '../config/folder.ts';

const NOTIFICATION: Notification = {
  id: 'wds_1',
  body: {
    ...{ type: 'file.failed', timestamp: '2026-11-27T08:00:00.000Z', text: 'a "b" $c `d` \u2028' },
    data: { installation: 'home', subject: 'crm', count: 1, files: [], details: null },
  },
};
const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function receiver(
  status: number,
  answer: string,
): Promise<{ url: string; got: { headers: IncomingHttpHeaders; body: string }[] }> {
  const got: { headers: IncomingHttpHeaders; body: string }[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += String(piece);
    got.push({ headers: request.headers, body });
    if (status !== 0) response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, got };
}

describe('a notification by URL', () => {
  test('is a signed Standard Webhook', async () => {
    const key = Buffer.alloc(32, 7);
    const { url, got } = await receiver(200, 'ok');
    const post = createPost({ url, secrets: () => [`whsec_${key.toString('base64')}`], timeoutMs: 5_000 });
    expect(await post(NOTIFICATION)).toBe('HTTP 200: ok');
    const { headers, body } = got[0]!;
    expect(JSON.parse(body)).toEqual(NOTIFICATION.body);
    expect(headers['webhook-id']).toBe('wds_1');
    const signed = `wds_1.${headers['webhook-timestamp']}.${body}`;
    expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
    expect(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1_000)).toBeLessThan(5);
  });

  test.each([
    [500, 'broken\u0000 <b>', 'HTTP 500: broken <b>'],
    [302, '', 'HTTP 302'],
  ])('that is answered with %s did not get through', async (status, answer, why) => {
    const { url, got } = await receiver(status, answer);
    await expect(createPost({ url, secrets: () => [], timeoutMs: 5_000 })(NOTIFICATION)).rejects.toThrow(why);
    expect(got).toHaveLength(1);
    expect(got[0]!.headers['webhook-signature']).toBeUndefined();
  });

  test('that is not answered is given up in time', async () => {
    const { url } = await receiver(0, '');
    await expect(createPost({ url, secrets: () => [], timeoutMs: 200 })(NOTIFICATION)).rejects.toThrow(
      'no answer within 0.2 s',
    );
    await expect(
      createPost({ url: 'http://127.0.0.1:1/', secrets: () => [], timeoutMs: 2_000 })(NOTIFICATION),
    ).rejects.toThrow('ECONNREFUSED');
  });
});

describe('a notification by command', () => {
  const shell = (line: string, timeoutMs = 10_000) =>
    createCommand({ command: ['/bin/sh', '-c', line], timeoutMs })(NOTIFICATION);

  test('is read from its standard input, exactly', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wds-notify-'));
    ends.push(() => rm(folder, { recursive: true, force: true }));
    const path = join(folder, 'got.json');
    expect(await shell(`cat > ${path}; echo "$WDS_NOTIFICATION_TYPE $WDS_NOTIFICATION_ID"`)).toBe(
      'exit code 0: file.failed wds_1',
    );
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(NOTIFICATION.body);
  });

  test('that does not read it, and prints much, does no harm', async () => {
    expect(await shell('yes | head -c 300000')).toMatch(/^exit code 0: y y/);
  });

  test('that fails says how', async () => {
    await expect(shell('echo no >&2; exit 3')).rejects.toThrow('exit code 3: no');
    await expect(createCommand({ command: ['/no/such/program'], timeoutMs: 1_000 })(NOTIFICATION)).rejects.toThrow(
      'it cannot be run',
    );
  });

  test('that takes too long is ended, with what it has started', async () => {
    const startMs = performance.now();
    await expect(shell('sleep 30 & sleep 30; echo never', 300)).rejects.toThrow(
      'it took longer than 0.3 s, and was ended',
    );
    expect(performance.now() - startMs).toBeLessThan(5_000);
  });
});

test('a secret is read again when its file is replaced; what is none leaves that of before in force', async () => {
  const secret = (fill: number): string => `whsec_${Buffer.alloc(32, fill).toString('base64')}`;
  const { url, got } = await receiver(200, 'ok');
  const folder = await makeFolder({
    'wds.config.yaml': JSON.stringify({ notify: { url, secretFile: 'secret' } }),
    secret: secret(1),
  });
  const { settings } = await loadSettings({ cwd: folder, env: {} });
  const told: string[] = [];
  const watched = new WatchedSecrets(settings.notify, {
    ...{ everyMs: 5, onRenewed: () => told.push('renewed'), onTrouble: (reason) => told.push(reason) },
  });
  ends.push(() => watched.close());
  const { url: post } = waysOf(settings.notify, watched);
  await post!(NOTIFICATION);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const replace = async (text: string): Promise<void> => {
    await writeFile(join(folder, 'secret.new'), text);
    await rename(join(folder, 'secret.new'), join(folder, 'secret'));
  };
  await replace(secret(2));
  await vi.waitFor(() => expect(told).toEqual(['renewed']), 5_000);
  await post!(NOTIFICATION);
  await replace('none');
  await vi.waitFor(() => expect(told).toHaveLength(2), 5_000);
  expect(told[1]).toMatch(/notify\.secretFile: \(value not shown\)/);
  await post!(NOTIFICATION);
  const signed = got.map(({ headers, body }, at) => {
    const key = Buffer.alloc(32, at === 0 ? 1 : 2);
    const text = `wds_1.${headers['webhook-timestamp']}.${body}`;
    return headers['webhook-signature'] === `v1,${createHmac('sha256', key).update(text).digest('base64')}`;
  });
  expect(signed).toEqual([true, true, true]);
});
