import type { LookupAddress, LookupOptions } from 'node:dns';
import { describe, expect, it } from 'vitest';
import { addressGuard, guardedLookup, refuseLiteral } from '../../src/endpoint/connect-guard.ts';

const publicOnly = addressGuard({ publicOnly: true });

describe('network: public', () => {
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
    expect(publicOnly(address)).toBeDefined();
  });

  it.each(['8.8.8.8', '172.32.0.1', '100.128.0.1', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8', '2606:4700:4700::1111'])(
    'is false for %s',
    (address) => {
      expect(publicOnly(address)).toBeUndefined();
    },
  );
});

describe('in either case', () => {
  const refuse = addressGuard({});

  it.each([
    ...['169.254.0.1', '169.254.169.254', '168.63.129.16', 'fe80::1', 'febf::1', 'fd00:ec2::254', 'fd20:ce::254'],
    ...['::ffff:169.254.169.254', '::ffff:a83f:8110', '64:ff9b::169.254.169.254', '::a9fe:a9fe'],
  ])('%s is refused', (address) => {
    expect(refuse(address)).toBe('link-local or metadata');
  });

  it.each(['127.0.0.1', '10.0.0.1', '::1', 'fec0::1', 'fd00:ec2::253', '168.63.129.17', '::ffff:10.0.0.1', '8.8.8.8'])(
    '%s is not',
    (address) => {
      expect(refuse(address)).toBeUndefined();
    },
  );

  it('is not, where it is named, alone or by its network', () => {
    const named = addressGuard({ publicOnly: true, allowAddresses: ['169.254.1.1', '10.1.0.0/16', 'fd12::/16'] });
    expect(['169.254.1.1', '10.1.2.3', '::ffff:10.1.2.3', 'fd12::9'].map(named)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(['169.254.1.2', '10.2.0.1', 'fd13::1'].map(named)).toEqual(['private', 'private', 'private']);
  });
});

describe('refuseLiteral', () => {
  it.each([
    'http://127.0.0.1/',
    'http://0x7f.1/',
    'http://2130706433/',
    'https://[::1]:8443/',
    'http://[::ffff:10.0.0.1]/',
  ])('refuses %s', (url) => {
    expect(() => refuseLiteral(new URL(url), publicOnly)).toThrow(/is a private address/);
  });

  it.each(['http://8.8.8.8/', 'https://[2606:4700::1111]/', 'https://example.com/'])('lets %s pass', (url) => {
    expect(() => refuseLiteral(new URL(url), publicOnly)).not.toThrow();
  });
});

describe('guardedLookup', () => {
  it('leaves out what is refused in either case, and fails where nothing is left', async () => {
    const found = [
      { address: 'fe80::1', family: 6 },
      { address: '10.0.0.1', family: 4 },
    ];
    const look = (addresses: LookupAddress[]) =>
      new Promise((resolve) => {
        const resolving = ((
          _name: string,
          _options: LookupOptions,
          callback: (error: null, all: LookupAddress[]) => void,
        ) => callback(null, addresses)) as never;
        guardedLookup(addressGuard({}), resolving)('x', { all: true }, (error, all) => resolve(error ?? all));
      });
    expect(await look(found)).toEqual([{ address: '10.0.0.1', family: 4 }]);
    expect(await look(found.slice(0, 1))).toMatchObject({
      code: 'EBLOCKED',
      message: /link-local or metadata address fe80::1/,
    });
  });

  const resolving = (addresses: LookupAddress[]) =>
    guardedLookup(publicOnly, ((
      _name: string,
      _options: LookupOptions,
      callback: (error: null, all: LookupAddress[]) => void,
    ) => callback(null, addresses)) as never);
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
