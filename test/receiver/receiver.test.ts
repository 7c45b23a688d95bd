import { request } from 'undici';
import { describe, expect, test, vi } from 'vitest';
import { startReceiver } from '../../src/receiver/receiver.ts';
import { post, start } from './receiver-under-test.ts';

const postAll = async (url: string, count: number): Promise<number[]> => {
  const answers = await Promise.all(Array.from({ length: count }, (_, i) => post(url, `id-${i}`)));
  return answers.map((answer) => answer.status);
};

async function control(url: string, patch: unknown): Promise<{ status: number; text: string }> {
  const response = await request(`${url}control`, { method: 'POST', body: JSON.stringify(patch) });
  return { status: response.statusCode, text: await response.body.text() };
}

describe('deliveries', () => {
  test('are accepted without a limit, and counted by webhook-id', async () => {
    const receiver = await start();
    expect(await postAll(receiver.url, 20)).toEqual(Array(20).fill(200));
    await post(receiver.url, 'id-3');
    const stats = receiver.stats();
    expect(stats).toMatchObject({ received: 21, accepted: 21, uniqueIds: 20, repeated: 1, statuses: { 200: 21 } });
    expect(stats.perSecond.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(21);
  });

  test('above the limit are answered 429 with the seconds to wait', async () => {
    const receiver = await start({ rate: 0.5, burst: 3 }, () => 1_000_000);
    const statuses = await postAll(receiver.url, 5);
    expect(statuses.filter((status) => status === 200)).toHaveLength(3);
    expect((await post(receiver.url, 'more')).headers['retry-after']).toBe('2');
    expect(receiver.stats()).toMatchObject({ received: 6, accepted: 3, throttled: 3 });
  });

  test('Retry-After can be a date, a fixed number or missing; 503 can stand for 429', async () => {
    const receiver = await start({ rate: 1, burst: 1, retryAfter: 'date' }, () => 1_700_000_000_250);
    await post(receiver.url, 'first');
    expect((await post(receiver.url, 'a')).headers['retry-after']).toBe('Tue, 14 Nov 2023 22:13:22 GMT');
    await receiver.reconfigure({ retryAfter: 7, throttleStatus: 503 });
    expect(await post(receiver.url, 'b')).toMatchObject({ status: 503, headers: { 'retry-after': '7' } });
    await receiver.reconfigure({ retryAfter: 'none' });
    expect((await post(receiver.url, 'c')).headers['retry-after']).toBeUndefined();
    expect(receiver.stats().throttled).toBe(3);
  });

  test('carry RateLimit headers in the style asked for', async () => {
    const receiver = await start(
      { model: 'fixed-window', rate: 2, windowMs: '30s', rateLimitHeaders: 'draft' },
      () => 10_500,
    );
    expect((await post(receiver.url, 'a')).headers).toMatchObject({
      ratelimit: '"default";r=59;t=20',
      'ratelimit-policy': '"default";q=60;w=30',
    });
    await receiver.reconfigure({ rateLimitHeaders: 'legacy' });
    const legacy = { 'x-ratelimit-limit': '60', 'x-ratelimit-remaining': '58', 'x-ratelimit-reset': '20' };
    expect((await post(receiver.url, 'b')).headers).toMatchObject(legacy);
    await receiver.reconfigure({ rateLimitHeaders: 'legacy-epoch' });
    expect((await post(receiver.url, 'c')).headers['x-ratelimit-reset']).toBe('30');
  });

  test('the policy of a token bucket is its rate, not its depth', async () => {
    const receiver = await start({ rate: 200, burst: 10, rateLimitHeaders: 'draft' });
    expect((await post(receiver.url, 'a')).headers['ratelimit-policy']).toBe('"default";q=200;w=1');
  });

  test('fail at the rate asked for, the same for the same seed', async () => {
    const receiver = await start({ failRate: '20%', failStatus: 502, seed: 7 });
    const statuses: number[] = [];
    for (let i = 0; i < 200; i++) statuses.push((await post(receiver.url, `id-${i}`)).status);
    const failed = statuses.filter((status) => status === 502).length;
    expect(receiver.stats()).toMatchObject({ failed, accepted: 200 - failed });
    expect(failed).toBeGreaterThan(20);
    expect(failed).toBeLessThan(60);
  });

  test('fail for matching users, always or a number of times', async () => {
    const receiver = await start({ failUsers: ['^bad=422', '^slow-=503x2'] });
    const statusOf = async (user: string) => (await post(receiver.url, `id-${user}`, user)).status;
    expect([await statusOf('bad-1'), await statusOf('bad-1'), await statusOf('good')]).toEqual([422, 422, 200]);
    expect([await statusOf('slow-1'), await statusOf('slow-1'), await statusOf('slow-1')]).toEqual([503, 503, 200]);
    expect(await statusOf('slow-2')).toBe(503);
    expect(receiver.stats()).toMatchObject({ refused: 2, failed: 3, accepted: 2 });
  });

  test('that were accepted before are repeats under dedupe, answered 200 whatever else is asked for', async () => {
    const receiver = await start({ dedupe: true });
    await post(receiver.url, 'one');
    await receiver.reconfigure({ failRate: 1 });
    expect(await post(receiver.url, 'one')).toMatchObject({ status: 200, text: 'repeat\n' });
    expect((await post(receiver.url, 'two')).status).toBe(500);
    expect(receiver.stats()).toMatchObject({ accepted: 2, uniqueIds: 1, repeated: 1, failed: 1 });
  });

  test('under a concurrency limit are refused only while others are open', async () => {
    const receiver = await start({ concurrency: 2, latencyMs: 300 });
    const statuses = await postAll(receiver.url, 6);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(2);
    expect(statuses).toContain(429);
    await vi.waitFor(() => expect(receiver.stats().openRequests).toBe(0), 5000);
    expect((await post(receiver.url, 'later')).status).toBe(200);
  });

  test('are signed right or refused with 401', async () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const receiver = await start({ secret }, () => 1_614_265_330_000);
    const headers = {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    };
    const send = async (body: string, over: Record<string, string> = {}) => {
      const response = await request(receiver.url, { method: 'POST', headers: { ...headers, ...over }, body });
      await response.body.dump();
      return response.statusCode;
    };
    expect(await send('{"test": 2432232314}')).toBe(200);
    expect(await send('{"test": 2432232315}')).toBe(401);
    expect(await send('{"test": 2432232314}', { 'webhook-timestamp': '1614265331' })).toBe(401);
    expect(await send('{"test": 2432232314}', { 'webhook-signature': '' })).toBe(401);
    expect(receiver.stats()).toMatchObject({ verified: 1, accepted: 1, refused: 3 });
    expect(JSON.stringify(receiver.stats())).not.toContain(secret);
  });
});

describe('while it runs', () => {
  test('POST /control changes the settings, names what is wrong, and keeps what was', async () => {
    const receiver = await start();
    expect((await control(receiver.url, { status: 503 })).status).toBe(200);
    expect((await post(receiver.url, 'a')).status).toBe(503);
    const wrong = await control(receiver.url, { status: 42, speed: 'fast' });
    expect(wrong.status).toBe(400);
    expect(wrong.text).toMatch(/speed is not a setting.*status: \\"42\\" is not a status/);
    expect((await control(receiver.url, [])).status).toBe(400);
    expect((await post(receiver.url, 'b')).status).toBe(503);
    expect((await control(receiver.url, { status: null, reset: true })).status).toBe(200);
    expect((await post(receiver.url, 'c')).status).toBe(200);
    expect(receiver.stats()).toMatchObject({ received: 1, accepted: 1, failed: 0, settings: {} });
  });

  test('down refuses connections, on the same port it comes back', async () => {
    const receiver = await start({ controlPort: 0 });
    await post(receiver.url, 'a');
    expect((await control(receiver.url, { down: true })).status).toBe(400);
    await control(receiver.controlUrl ?? '', { down: true });
    await expect(post(receiver.url, 'b')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await control(receiver.controlUrl ?? '', { down: false });
    expect((await post(receiver.url, 'c')).status).toBe(200);
    expect(receiver.stats().accepted).toBe(2);
  });

  test('downForMs comes back by itself', async () => {
    const receiver = await start();
    expect((await control(receiver.url, { downForMs: 200 })).status).toBe(200);
    await vi.waitFor(() => expect(post(receiver.url, 'a')).rejects.toThrow(), 5000);
    await vi.waitFor(async () => expect((await post(receiver.url, 'b')).status).toBe(200), 5000);
  });

  test('GET /stats is JSON, GET / is for people, all else is said to be wrong', async () => {
    const receiver = await start({ rate: 100, burst: 10 });
    await post(receiver.url, 'a');
    const get = async (where: string, method: 'GET' | 'PUT' = 'GET') => {
      const { statusCode, body } = await request(`${receiver.url}${where}`, { method });
      return [statusCode, await body.text()] as const;
    };
    expect(JSON.parse((await get('stats'))[1])).toMatchObject({ accepted: 1, settings: { rate: 100, burst: 10 } });
    expect((await get(''))[1]).toContain('limit        100/s, token-bucket, burst 10');
    expect((await get('nothing'))[0]).toBe(404);
    expect((await get('', 'PUT'))[0]).toBe(405);
  });

  test('a port that is taken is a fault that says so', async () => {
    const { port } = await start();
    const fault = { code: 'usage', message: /EADDRINUSE/ };
    await expect(startReceiver({ port })).rejects.toMatchObject(fault);
    await expect(startReceiver({ controlPort: port })).rejects.toMatchObject(fault);
  });
});
