/** The endpoint, as far as it can be known without an alert: its name is looked up, a connection is opened, TLS is spoken, and nothing is sent. */
import { lookup } from 'node:dns/promises';
import type { Socket } from 'node:net';
import type { PeerCertificate } from 'node:tls';
import { shownUrl } from '../../config/endpoint-url.ts';
import type { Endpoint } from '../../domain/endpoint.ts';
import { rateText } from '../../domain/endpoint.ts';
import { Fault } from '../../domain/failure.ts';
import { connectorTo } from '../../endpoint/connector.ts';
import { reasonOf } from '../../thrown.ts';
import type { Finding } from './finding.ts';
import { fault, ok, warning } from './finding.ts';

const LIMIT_MS = 5_000;
const DAY_MS = 24 * 3_600_000;
const SOON_DAYS = 14;

export async function endpointFindings(endpoint: Endpoint | undefined): Promise<Finding[]> {
  if (endpoint === undefined) {
    return [ok('endpoint', 'none is configured; wds up brings a receiver of its own')];
  }
  const { name, url, rate, ambiguous, secrets } = endpoint;
  const signed = secrets.length === 0 ? 'requests are not signed' : 'requests are signed';
  const about = ok('endpoint', `${name}: ${shownUrl(url)}, ${rateText(rate)}, ${ambiguous}, ${signed}`);
  return [about, ...(await connectionFindings(endpoint))];
}

async function connectionFindings(endpoint: Endpoint): Promise<Finding[]> {
  const url = new URL(endpoint.url);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const isSecure = url.protocol === 'https:';
  const port = Number(url.port || (isSecure ? 443 : 80));
  const { proxy } = endpoint;
  let where = `${host}:${port}, through the proxy ${proxy === undefined ? '' : new URL(proxy).host}`;
  if (proxy === undefined) {
    try {
      const addresses = (await lookup(host, { all: true })).map(({ address }) => address);
      where = `${host}:${port} (${addresses.slice(0, 3).join(', ')})`;
    } catch (error) {
      return [fault('connection', `the name ${host} is not found: ${reasonOf(error)}`, 'Check endpoint.url, and DNS.')];
    }
  }
  try {
    const certificate = await open(endpoint);
    return [
      certificate === undefined ? ok('connection', `${where} accepts connections`) : tlsFinding(where, certificate),
    ];
  } catch (error) {
    if (error instanceof Fault) return [fault('connection', error.message, error.nextStep ?? '')];
    return [unreachable(where, isSecure, reasonOf(error), proxy !== undefined)];
  }
}

function unreachable(where: string, isSecure: boolean, reason: string, byProxy: boolean): Finding {
  const isNet =
    /^(ECONN|ETIMEDOUT|EHOST|ENET|EBLOCKED|no answer|the proxy)|the proxy/.test(reason) ||
    reason.startsWith('connect ');
  if (isSecure && !isNet) {
    const next = 'Mend its certificate, or trust its authority: endpoint.tls.ca, or NODE_EXTRA_CA_CERTS=FILE.';
    return fault('connection', `TLS with ${where} fails: ${reason}`, next);
  }
  const next = byProxy
    ? 'Check endpoint.proxy, HTTPS_PROXY and NO_PROXY, and whether the proxy may connect to it.'
    : 'Is it running, and may this host connect to it (firewall, proxy, network, endpoint.allowAddresses)?';
  return fault('connection', `${where} cannot be reached: ${reason}`, next);
}

function tlsFinding(where: string, { valid_to: validTo }: PeerCertificate): Finding {
  const days = Math.floor((Date.parse(validTo) - Date.now()) / DAY_MS);
  const found = `${where} speaks TLS, its certificate is good for ${days} more days`;
  return days < SOON_DAYS ? warning('connection', found, 'Tell whoever runs it to renew it.') : ok('connection', found);
}

/** Opens a connection, as a worker does, and closes it. Resolves to the certificate, where there is one. */
function open(endpoint: Endpoint): Promise<PeerCertificate | undefined> {
  const { hostname, host, protocol, port } = new URL(endpoint.url);
  const connect = connectorTo(endpoint);
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      reject(new Error(`no answer within ${LIMIT_MS / 1_000} s`));
      (opening as unknown as Socket).destroy();
    }, LIMIT_MS);
    const opening = connect({ hostname, host, protocol, port }, (error, socket) => {
      clearTimeout(late);
      if (error !== null) {
        reject(error);
        return;
      }
      socket.on('error', () => undefined);
      resolve('getPeerCertificate' in socket ? socket.getPeerCertificate() : undefined);
      socket.destroy();
    });
  });
}
