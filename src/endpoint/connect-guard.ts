/**
 * Keeps an endpoint's URL from reaching into private networks (SSRF), for installations where whoever sets the URL is not the operator.
 * Two checks are needed: Node resolves names through `lookup`, but never calls it for a literal address.
 */

import type { LookupAddress } from 'node:dns';
import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { BlockList, isIP } from 'node:net';
import { Fault } from '../domain/failure.ts';

/** Not globally reachable, by the IANA special-purpose registries (RFC 6890), and multicast. */
const PRIVATE_IPV4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];
const PRIVATE_IPV6: readonly (readonly [string, number])[] = [
  // Unspecified, loopback and the obsolete IPv4-compatible form. IPv4-mapped addresses are matched as IPv4 by BlockList itself.
  ['::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 9],
  ['ff00::', 8],
];

const blocked = new BlockList();
for (const [network, prefix] of PRIVATE_IPV4) {
  blocked.addSubnet(network, prefix, 'ipv4');
  // The same hosts behind NAT64 (RFC 6052), which IPv6-only networks use for the public ones.
  blocked.addSubnet(`64:ff9b::${network}`, 96 + prefix, 'ipv6');
}
for (const [network, prefix] of PRIVATE_IPV6) blocked.addSubnet(network, prefix, 'ipv6');

/** Whether an IP address (not a name) is one that the guard refuses. */
export function isPrivateAddress(address: string): boolean {
  return blocked.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** @throws {Fault} `config` when the URL's host is a literal private address. Names are checked when they are resolved. */
export function refusePrivateLiteral(url: URL): void {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) === 0 || !isPrivateAddress(host)) return;
  throw new Fault(
    'config',
    `the endpoint's address ${host} is in a private network, and private networks are blocked`,
    'Use a public address, or allow private networks if this receiver is yours.',
  );
}

/** A `lookup` for `net.connect` that fails when any address of the name is private: such a name is a trap or a mistake. */
export function guardedLookup(resolve: typeof systemLookup = systemLookup): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error) return callback(error, '');
      const refused = addresses.find(({ address }) => isPrivateAddress(address));
      const first = addresses[0];
      if (refused || !first) {
        const reason = refused ? `resolves to the private address ${refused.address}` : 'has no address';
        return callback(Object.assign(new Error(`${hostname} ${reason}`), { code: 'EBLOCKED' }), '');
      }
      if (options.all) return callback(null, addresses);
      callback(null, first.address, first.family);
    });
  };
}
