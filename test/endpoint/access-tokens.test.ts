import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { defaultEndpoint } from '../../src/config/settings.ts';
import type { Answer } from '../../src/domain/answers.ts';
import { NO_TOKEN } from '../../src/domain/answers.ts';
import type { Endpoint } from '../../src/domain/endpoint.ts';
import { AccessTokens, tokenIn } from '../../src/endpoint/access-tokens.ts';
import { createEndpointClient } from '../../src/endpoint/endpoint-client.ts';
import { FakeClock } from './fake-clock.ts';

const settled = async (): Promise<void> => {
  for (let turns = 0; turns < 5; turns++) await turn();
};

function scene(seconds: number | undefined = 100) {
  const clock = new FakeClock();
  const told: (string | undefined)[] = [];
  const state = { asked: 0, fault: '' };
  const fetch = async () => {
    state.asked++;
    if (state.fault !== '') throw new Error(state.fault);
    return { value: `t${state.asked}`, seconds };
  };
  const tokens = new AccessTokens({ fetch, clock, onTrouble: (text) => told.push(text) });
  return { clock, told, state, tokens };
}

describe('tokens', () => {
  it('are fetched when one is wanted, once for all who wait', async () => {
    const { tokens, state } = scene();
    expect(tokens.take()).toBeUndefined();
    await Promise.all([tokens.ready(), tokens.ready()]);
    expect([tokens.take(), state.asked]).toEqual(['t1', 1]);
  });

  it('are renewed ahead of their end while they are used, and not when nobody uses them', async () => {
    const { tokens, state, clock } = scene();
    await tokens.ready();
    clock.runUntil(81_000);
    await settled();
    expect([tokens.take(), state.asked]).toEqual(['t2', 2]);
    clock.runUntil(162_000);
    await settled();
    expect(state.asked).toBe(3);
    clock.runUntil(400_000);
    await settled();
    expect([tokens.take(), state.asked]).toEqual([undefined, 3]);
  });

  it('a server that is down is asked again with growing pauses, while the old one lasts, and it is said once', async () => {
    const { tokens, state, clock, told } = scene();
    await tokens.ready();
    state.fault = 'it answers 503';
    for (let second = 1; second <= 90; second++) {
      clock.runUntil(second * 1_000);
      await settled();
      expect(tokens.take()).toBe('t1');
    }
    expect(state.asked).toBeLessThan(8);
    clock.runUntil(101_000);
    expect(tokens.take()).toBeUndefined();
    await expect(tokens.ready()).rejects.toThrow('it answers 503');
    state.fault = '';
    clock.runUntil(140_000);
    await settled();
    await tokens.ready();
    expect(tokens.take()).toMatch(/^t/);
    expect(told).toEqual(['it answers 503', undefined]);
  });

  it('one that the endpoint takes no more is replaced, and a refusal of the new one counts', async () => {
    const { tokens, clock } = scene(undefined);
    await tokens.ready();
    expect(tokens.isStale('t1')).toBe(false);
    clock.runUntil(600_000);
    expect([tokens.isStale('t1'), tokens.isStale('t1')]).toEqual([true, true]);
    await settled();
    clock.runUntil(700_000);
    expect(tokens.isStale('t2')).toBe(false);
    tokens.wasTaken();
    expect(tokens.isStale('t2')).toBe(true);
  });
});

describe('an answer of a token server', () => {
  it('is read by RFC 6749', () => {
    expect(tokenIn(200, '{"access_token":"abc","token_type":"Bearer","expires_in":"60"}')).toEqual({
      value: 'abc',
      seconds: 60,
    });
    expect(tokenIn(201, '{"access_token":"abc"}')).toEqual({ value: 'abc', seconds: undefined });
  });

  it.each([
    [400, '{"error":"invalid_client","error_description":"s3cret"}', 'it answers 400 invalid_client'],
    [503, '<html>', 'it answers 503'],
    [200, '<html>', 'no access_token'],
    [200, '{"access_token":"a\\r\\nb"}', 'no access_token'],
    [200, '{"access_token":"a","token_type":"mac"}', 'no bearer token'],
  ])('that is none is said to be none: %s %s', (status, body, message) => {
    expect(() => tokenIn(status, body)).toThrow(message);
    expect(() => tokenIn(status, body)).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('s3cret') }),
    );
  });
});

describe('a request', () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });

  async function serve(
    answer: (path: string, body: string, authorization: string) => { status: number; body?: string },
  ) {
    const server = createServer((request, response) => {
      void text(request).then((body) => {
        const { status, body: said = '' } = answer(request.url ?? '', body, request.headers.authorization ?? '');
        response.writeHead(status, { 'content-type': 'application/json' }).end(said);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ends.push(() => server.close());
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  function clientOf(url: string, oauth2: Partial<NonNullable<Endpoint['oauth2']>> = {}) {
    const credentials = {
      tokenUrl: `${url}/token`,
      clientId: 'id:1',
      clientSecret: 'ä&b',
      clientAuth: 'basic' as const,
      ...oauth2,
    };
    const client = createEndpointClient(defaultEndpoint(`${url}/hook`, { timeoutMs: 3_000, oauth2: credentials }));
    ends.push(() => client.destroy());
    return (): Promise<Answer> => client.send({ id: 'a', body: '{}' }, () => true);
  }

  it('carries the token, for which the client has shown itself', async () => {
    const seen: string[] = [];
    const url = await serve((path, body, authorization) => {
      seen.push(`${path} ${authorization} ${path === '/token' ? body : ''}`.trim());
      return path === '/token' ? { status: 200, body: '{"access_token":"tok","expires_in":3600}' } : { status: 200 };
    });
    const send = clientOf(url, { scope: 'alerts write', audience: 'crm' });
    expect(await send()).toEqual({ kind: 'response', status: 200 });
    expect(await send()).toEqual({ kind: 'response', status: 200 });
    const login = Buffer.from('id%3A1:%C3%A4%26b').toString('base64');
    expect(seen).toEqual([
      `/token Basic ${login} grant_type=client_credentials&scope=alerts+write&audience=crm`,
      '/hook Bearer tok',
      '/hook Bearer tok',
    ]);
  });

  it('is not sent, and nobody is to blame, where there is no token', async () => {
    const seen: string[] = [];
    const url = await serve((path) => {
      seen.push(path);
      return { status: 503 };
    });
    const send = clientOf(url, { clientAuth: 'body' });
    const answer = await send();
    expect(answer).toMatchObject({ kind: 'not_sent', local: true });
    expect((answer as { reason: string }).reason).toMatch(
      new RegExp(`^${NO_TOKEN}: the token server .*: it answers 503$`),
    );
    expect(await send()).toMatchObject({ kind: 'not_sent', local: true });
    expect(seen).toEqual(['/token']);
  });
});
