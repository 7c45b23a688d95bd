import path from 'node:path';
import { request } from 'undici';
import { describe, expect, test } from 'vitest';
import type { LoggedDelivery } from '../../src/receiver/delivery-log.ts';
import { messageCrc32, readDeliveryLog } from '../../src/receiver/delivery-log.ts';
import { startReceiver } from '../../src/receiver/receiver.ts';
import { post, start, tempFile } from './receiver-under-test.ts';

describe('the delivery log', () => {
  test('is complete after close: time, id, user, checksum of the message, status', async () => {
    const log = await tempFile('log.tsv');
    const receiver = await start({ log, failUsers: 'tab=422' });
    const before = Date.now();
    await post(receiver.url, 'id-1', 'user\twith "tab"\n');
    await request(receiver.url, { method: 'POST', body: 'not json' }).then(({ body }) => body.dump());
    await Promise.all(Array.from({ length: 300 }, (_, i) => post(receiver.url, `many-${i}`)));
    await receiver.close();
    const lines: LoggedDelivery[] = [];
    for await (const line of readDeliveryLog(log)) lines.push(line);
    expect(lines).toHaveLength(302);
    const messageCrc = messageCrc32('hello, Zoë');
    expect(lines[0]).toMatchObject({
      webhookId: 'id-1',
      userId: 'user\twith "tab"\n',
      messageCrc32: messageCrc,
      status: 422,
    });
    expect(lines[1]).toMatchObject({ webhookId: '', userId: null, messageCrc32: null, status: 200 });
    expect(new Set(lines.slice(2).map((line) => line.userId)).size).toBe(300);
    for (const { atMs } of lines) expect(Math.abs(atMs - before)).toBeLessThan(60_000);
  });

  test('that cannot be written is a fault, at the start and later, and changes nothing', async () => {
    const log = path.join(await tempFile('missing'), 'log.tsv');
    await expect(startReceiver({ log })).rejects.toMatchObject({ code: 'usage', message: /ENOENT/ });
    const receiver = await start();
    await expect(receiver.reconfigure({ log, status: 503 })).rejects.toMatchObject({ code: 'usage' });
    expect((await post(receiver.url, 'a')).status).toBe(200);
  });

  test('has the line of a request before its answer leaves', async () => {
    const log = await tempFile('log.tsv');
    const receiver = await start({ log });
    for (let i = 0; i < 20; i++) {
      await post(receiver.url, `id-${i}`);
      const lines: LoggedDelivery[] = [];
      for await (const line of readDeliveryLog(log)) lines.push(line);
      expect(lines).toHaveLength(i + 1);
    }
  });
});
