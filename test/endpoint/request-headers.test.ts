import { describe, expect, it } from 'vitest';
import type { Endpoint } from '../../src/domain/endpoint.ts';
import { Fault } from '../../src/domain/failure.ts';
import { compileHeaders } from '../../src/endpoint/request-headers.ts';
import { createSigner } from '../../src/endpoint/signing.ts';
import { endpointAt } from './raw-server.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const compile = (changes: Partial<Endpoint>) => compileHeaders(endpointAt('http://127.0.0.1/', changes));

function written(changes: Partial<Endpoint>): Record<string, string> {
  const flat = compile(changes).write('id_1', '{}', 5_999);
  return Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] ?? '']] : [])));
}

describe('compileHeaders', () => {
  it('signs this very attempt', () => {
    const expected = createSigner([SECRET])?.('id_1', '5', '{}');
    expect(written({ secrets: [SECRET] })).toMatchObject({ 'webhook-timestamp': '5', 'webhook-signature': expected });
    expect(written({})).not.toHaveProperty('webhook-signature');
  });

  it('writes the idempotency key as configured', () => {
    expect(written({ idempotencyKey: 'quoted' })['idempotency-key']).toBe('"id_1"');
    expect(written({ idempotencyKey: 'bare' })['idempotency-key']).toBe('id_1');
    expect(written({ idempotencyKey: 'off' })).not.toHaveProperty('idempotency-key');
  });

  it("turns the URL's credentials into an Authorization header, which a configured one replaces", () => {
    const url = 'http://j%C3%B6rg:p%40ss:w@127.0.0.1/';
    const basic = `Basic ${Buffer.from('jörg:p@ss:w').toString('base64')}`;
    expect(written({ url }).authorization).toBe(basic);
    expect(written({ url, headers: { Authorization: 'Bearer x' } }).authorization).toBe('Bearer x');
    expect(compile({ url }).secretValues).toContain(basic);
  });

  it('names as secrets what the URL says to its receiver alone', () => {
    const url = 'http://u:p%40ssword@127.0.0.1/hooks/T0123456789/B9876/a1b2c3d4e5f6g7h8i9?key=query-key';
    const { secretValues } = compile({ url, secrets: [SECRET] });
    for (const secret of ['p@ssword', 'a1b2c3d4e5f6g7h8i9', 'query-key', SECRET, SECRET.slice('whsec_'.length)]) {
      expect(secretValues).toContain(secret);
    }
    expect(secretValues).not.toContain('hooks');
  });

  it('sends the configured headers, and lets them name the user agent', () => {
    expect(written({ headers: { 'X-Tenant': 'ä', 'User-Agent': 'mine' } })).toMatchObject({
      'x-tenant': 'ä',
      'user-agent': 'mine',
    });
  });

  it.each([
    ['a header that wds sets itself', { headers: { 'Webhook-Id': 'secret' } }, 'Webhook-Id is set by wds itself'],
    ['a length of its own', { headers: { 'content-length': 'secret' } }, 'content-length is set by wds itself'],
    ['a name that is none', { headers: { 'x y': 'secret' } }, '"x y"'],
    ['a value above U+00FF', { headers: { 'x-y': 'secret☎' } }, '"x-y"'],
    ['a line break in a value', { headers: { 'x-y': 'secret\r\nx: y' } }, '"x-y"'],
    ['an unescaped % in its URL', { url: 'http://u:secret%@127.0.0.1/' }, 'begins no escape'],
  ])('refuses %s, by name, without its value', (_name, changes, message) => {
    const act = () => compile(changes);
    expect(act).toThrow(Fault);
    expect(act).toThrow(message);
    expect(act).not.toThrow('secret');
  });
});
