/** Which proxy leads to a URL: the one that is stated, or that of the environment, as most programs read it. */
import { BlockList, isIP } from 'node:net';

type Environment = Readonly<Record<string, string | undefined>>;

/** Why a text cannot be a proxy's URL; undefined: it can. */
export function proxyFault(text: string): string | undefined {
  if (!URL.canParse(text)) return 'not a URL';
  const { protocol, pathname, search, hash, hostname } = new URL(text);
  if ((protocol !== 'http:' && protocol !== 'https:') || hostname === '') return 'neither http nor https';
  return pathname.replace('/', '') + search + hash === '' ? undefined : 'has a path';
}

/** An IP address, or one with the length of its network. */
export function isNetwork(text: string): boolean {
  const [address = '', prefix, more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more !== undefined) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 6 ? 128 : 32));
}

/**
 * The proxy of the environment for a URL; undefined: none. Upper and lower case are read, the lower one first. This machine itself is never
 * reached through it. `fault`: the variable, and why it will not do.
 */
export function proxyFor(
  url: string,
  env: Environment,
): { readonly proxy?: string; readonly fault?: readonly [string, string] } {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const names = protocol === 'https:' ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy', 'HTTP_PROXY'];
  const name = names.find((one) => (env[one] ?? '') !== '');
  if (name === undefined || isLoopback(host) || isExempt(host, port || (protocol === 'https:' ? '443' : '80'), env))
    return {};
  const stated = env[name]!;
  const proxy = stated.includes('://') ? stated : `http://${stated}`;
  const fault = proxyFault(proxy);
  return fault === undefined ? { proxy: new URL(proxy).href } : { fault: [name, fault] };
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host.endsWith('.localhost') || /^127\./.test(host) || host === '::1';

/** `*`, `example.com` and what is below it, `.example.com`, an address, a network, each also with a port. */
function isExempt(host: string, port: string, env: Environment): boolean {
  const list = (env.no_proxy || env.NO_PROXY || '').toLowerCase();
  return list.split(/[\s,]+/).some((entry) => {
    if (entry === '') return false;
    if (entry === '*') return true;
    if (isNetwork(entry)) return isIn(host, entry);
    const [, name = '', onlyPort] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(entry) ?? [];
    if (onlyPort !== undefined && onlyPort !== port) return false;
    const domain = name.replace(/^\*?\./, '');
    return host === domain || host.endsWith(`.${domain}`);
  });
}

function isIn(host: string, network: string): boolean {
  if (isIP(host) === 0) return false;
  const [address = '', prefix] = network.split('/');
  const list = new BlockList();
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  if (prefix === undefined) list.addAddress(address, family);
  else list.addSubnet(address, Number(prefix), family);
  return list.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4');
}
