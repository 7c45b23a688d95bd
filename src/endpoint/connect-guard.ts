/**
 * Which addresses an endpoint's connections may go to, looked at each time that one is made. With `network: public` none in private networks
 * (SSRF), for installations where whoever sets the URL is not the operator. Link-local addresses and those of cloud metadata services are
 * refused in either case, unless they are named: what answers there gives out credentials, and is nobody's webhook.
 *
 * Two checks are needed: Node resolves names through `lookup`, but never calls it for a literal address. What a proxy connects to is known to
 * the proxy alone.
 */

import type { LookupAddress } from 'node:dns';
import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { BlockList, isIP } from 'node:net';
import type { Endpoint } from '../domain/endpoint.ts';
import { Fault } from '../domain/failure.ts';

type Networks = readonly (readonly [string, number])[];

/** Not globally reachable, by the IANA special-purpose registries (RFC 6890), and multicast. */
const PRIVATE_IPV4: Networks = [
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
const PRIVATE_IPV6: Networks = [
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
/** Link-local, and the metadata services of Azure, Alibaba Cloud, AWS and Google Cloud that are elsewhere. */
const METADATA_IPV4: Networks = [
  ['169.254.0.0', 16],
  ['168.63.129.16', 32],
  ['100.100.100.200', 32],
];
const METADATA_IPV6: Networks = [
  ['fe80::', 10],
  ['fd00:ec2::254', 128],
  ['fd20:ce::254', 128],
];

function listOf(ipv4: Networks, ipv6: Networks): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of ipv4) {
    list.addSubnet(network, prefix, 'ipv4');
    // The same hosts behind NAT64 (RFC 6052), which IPv6-only networks use for the public ones, and as IPv4-compatible addresses.
    list.addSubnet(`64:ff9b::${network}`, 96 + prefix, 'ipv6');
    list.addSubnet(`::${network}`, 96 + prefix, 'ipv6');
  }
  for (const [network, prefix] of ipv6) list.addSubnet(network, prefix, 'ipv6');
  return list;
}

const blocked = listOf(PRIVATE_IPV4, PRIVATE_IPV6);
const metadata = listOf(METADATA_IPV4, METADATA_IPV6);

const isIn = (list: BlockList, address: string): boolean => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** Why an address (not a name) must not be connected to, in a word; undefined: it may be. */
export type RefuseAddress = (address: string) => 'private' | 'link-local or metadata' | undefined;

type Guarded = Pick<Endpoint, 'publicOnly' | 'allowAddresses'>;

/** By the endpoint's settings. */
export function addressGuard({ publicOnly, allowAddresses = [] }: Guarded): RefuseAddress {
  const allowed = new BlockList();
  for (const named of allowAddresses) {
    const [address = '', prefix] = named.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (prefix === undefined) allowed.addAddress(address, family);
    else allowed.addSubnet(address, Number(prefix), family);
  }
  return (address) => {
    if (isIn(allowed, address)) return undefined;
    if (publicOnly === true && isIn(blocked, address)) return 'private';
    return isIn(metadata, address) ? 'link-local or metadata' : undefined;
  };
}

/** @throws {Fault} `config` when the URL's host is a literal address that is refused. Names are checked when they are resolved. */
export function refuseLiteral(url: URL, refuse: RefuseAddress): void {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const why = isIP(host) === 0 ? undefined : refuse(host);
  if (why === undefined) return;
  throw new Fault(
    'config',
    `the endpoint's address ${host} is a ${why} address, and such addresses are refused`,
    `If this receiver is yours, name it in endpoint.allowAddresses${why === 'private' ? ', or set network to any' : ''}.`,
  );
}

/**
 * A `lookup` for `net.connect` that leaves out what is refused, and fails where nothing is left. A private address among those of a name fails
 * it as a whole: such a name is a trap or a mistake.
 */
export function guardedLookup(refuse: RefuseAddress, resolve: typeof systemLookup = systemLookup): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error) return callback(error, '');
      const judged = addresses.map((one) => ({ one, why: refuse(one.address) }));
      const refused = judged.find(({ why }) => why === 'private') ?? judged.find(({ why }) => why !== undefined);
      const left =
        refused?.why === 'private' ? [] : judged.filter(({ why }) => why === undefined).map(({ one }) => one);
      const [first] = left;
      if (first === undefined) {
        const reason = refused ? `resolves to the ${refused.why} address ${refused.one.address}` : 'has no address';
        return callback(Object.assign(new Error(`${hostname} ${reason}`), { code: 'EBLOCKED' }), '');
      }
      if (options.all) return callback(null, left);
      callback(null, first.address, first.family);
    });
  };
}
