import type { LookupAddress, LookupOptions } from 'node:dns';
import { describe, expect, it } from 'vitest';
import { guardedLookup, isPrivateAddress, refusePrivateLiteral } from '../../src/endpoint/connect-guard.ts';

describe('isPrivateAddress', () => {
  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '169.254.169.254',
    '172.31.255.255',
    '192.168.1.1',
    '198.19.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::7f00:1',
    '::ffff:10.0.0.1',
    '::ffff:7f00:1',
    '64:ff9b::192.168.0.1',
    '2002:7f00:1::1',
    'fc00::1',
    'fe80::1',
    'ff02::1',
  ])('is true for %s', (address) => {
    expect(isPrivateAddress(address)).toBe(true);
  });

  it.each(['8.8.8.8', '172.32.0.1', '100.128.0.1', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8', '2606:4700:4700::1111'])(
    'is false for %s',
    (address) => {
      expect(isPrivateAddress(address)).toBe(false);
    },
  );
});

describe('refusePrivateLiteral', () => {
  it.each([
    'http://127.0.0.1/',
    'http://0x7f.1/',
    'http://2130706433/',
    'https://[::1]:8443/',
    'http://[::ffff:10.0.0.1]/',
  ])('refuses %s', (url) => {
    expect(() => refusePrivateLiteral(new URL(url))).toThrow(/private network/);
  });

  it.each(['http://8.8.8.8/', 'https://[2606:4700::1111]/', 'https://example.com/'])('lets %s pass', (url) => {
    expect(() => refusePrivateLiteral(new URL(url))).not.toThrow();
  });
});

describe('guardedLookup', () => {
  const resolving = (addresses: LookupAddress[]) =>
    guardedLookup(((_name: string, _options: LookupOptions, callback: (error: null, all: LookupAddress[]) => void) =>
      callback(null, addresses)) as never);
  const lookup = (addresses: LookupAddress[], options: LookupOptions) =>
    new Promise((resolve) => {
      resolving(addresses)('example.com', options, (error, ...result) => resolve(error ?? result));
    });
  const open: LookupAddress = { address: '8.8.8.8', family: 4 };

  it('refuses a name of which any address is private', async () => {
    const trap = [open, { address: '::ffff:169.254.169.254', family: 6 }];
    expect(await lookup(trap, { all: true })).toMatchObject({ code: 'EBLOCKED', message: /169\.254\.169\.254/ });
    expect(await lookup([], { all: true })).toMatchObject({ code: 'EBLOCKED' });
  });

  it('passes public addresses on in the form that was asked for', async () => {
    expect(await lookup([open], { all: true })).toEqual([[open]]);
    expect(await lookup([open], {})).toEqual(['8.8.8.8', 4]);
  });
});
