import { describe, expect, test } from 'vitest';
import {
  endpointNameOf,
  headerNameIsFree,
  headerValueIsPlain,
  shownUrl,
  urlFault,
} from '../../src/config/endpoint-url.ts';
import { ENDPOINT_NAME_PATTERN } from '../../src/domain/names.ts';

describe('the name of a bare URL', () => {
  test.each([
    ['http://127.0.0.1:8080/a', /^127-0-0-1-8080-[0-9a-f]{8}$/],
    ['https://hooks.example.com/a', /^hooks-example-com-443-[0-9a-f]{8}$/],
    ['http://example.com', /^example-com-80-[0-9a-f]{8}$/],
    ['http://[::1]:9/', /^1-9-[0-9a-f]{8}$/],
    ['http://[::]:9/', /^0-9-[0-9a-f]{8}$|^host-9-[0-9a-f]{8}$/],
    ['https://bücher.example/', /^xn-bcher-kva-example-443-[0-9a-f]{8}$/],
    [`https://${'a'.repeat(60)}.${'b'.repeat(60)}.example:65535/`, /^a{48}-65535-[0-9a-f]{8}$/],
  ])('%s', (url, expected) => {
    expect(endpointNameOf(url)).toMatch(expected);
    expect(endpointNameOf(url)).toMatch(ENDPOINT_NAME_PATTERN);
  });

  test('tells URLs apart by scheme, path and query, and knows the same URL again', () => {
    const urls = ['http://a/x', 'https://a:80/x', 'http://a/y', 'http://a/x?k=1', 'http://a/X'];
    expect(new Set(urls.map(endpointNameOf)).size).toBe(urls.length);
    expect(endpointNameOf('HTTP://A:80/x')).toBe(endpointNameOf('http://a/x'));
  });
});

test.each(['http://a', 'https://a:8443/x?y=%23', 'http://localhost:1/'])('%s can be an endpoint', (url) => {
  expect(urlFault(url)).toBeUndefined();
});

test.each([
  '',
  'a',
  'localhost:8080',
  'ftp://a',
  'file:///a',
  'http://',
  'http://a/#b',
  'http://a/#',
  'http://u@a/',
  'http://:p@a/',
])('%j cannot be an endpoint', (url) => {
  expect(urlFault(url)).toBeTypeOf('string');
});

test('a shown URL has neither credentials nor a query', () => {
  expect(shownUrl('https://u:p@a.example:8443/x?token=t#f')).toBe('https://…@a.example:8443/x?…#f');
  expect(shownUrl('https://a.example/x')).toBe('https://a.example/x');
  expect(shownUrl('://u:p@a?t')).not.toMatch(/u:p|t$/);
});

test('headers that wds sets itself are not free; other tokens are', () => {
  expect(['Authorization', 'X-Api-Key'].every(headerNameIsFree)).toBe(true);
  expect(['host', 'Content-Length', 'Webhook-Signature', 'a b', 'ä', ''].some(headerNameIsFree)).toBe(false);
});

test('header values are printable Latin-1 without white space at the ends', () => {
  expect(['Bearer x', 'é', 'a\tb'].every(headerValueIsPlain)).toBe(true);
  expect(['', ' a', 'a\n', 'a\rb', '€', '\u0000'].some(headerValueIsPlain)).toBe(false);
});

test('an endpoint has no name that the store uses for itself, in whatever case: some disks see none', () => {
  for (const name of ['content', 'Content', 'chunks-1', 'CHUNKS-csv', '', '-a', 'a.b', 'a'.repeat(64)]) {
    expect(name).not.toMatch(ENDPOINT_NAME_PATTERN);
  }
  for (const name of ['crm', 'CRM', 'contents', 'chunks', '127-0-0-1-80-3f2a9c1d']) {
    expect(name).toMatch(ENDPOINT_NAME_PATTERN);
  }
});
