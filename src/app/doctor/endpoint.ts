/** The endpoint, as far as it can be known without an alert: its name is looked up, a connection is opened, TLS is spoken, and nothing is sent. */
import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import type { PeerCertificate } from 'node:tls';
import { connect as connectTls } from 'node:tls';
import { shownUrl } from '../../config/endpoint-url.ts';
import type { Endpoint } from '../../domain/endpoint.ts';
import { rateText } from '../../domain/endpoint.ts';
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
  return [about, ...(await connectionFindings(new URL(url)))];
}

async function connectionFindings(url: URL): Promise<Finding[]> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const isSecure = url.protocol === 'https:';
  const port = Number(url.port || (isSecure ? 443 : 80));
  let addresses: readonly string[];
  try {
    addresses = (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (error) {
    return [fault('connection', `the name ${host} is not found: ${reasonOf(error)}`, 'Check endpoint.url, and DNS.')];
  }
  const where = `${host}:${port} (${addresses.slice(0, 3).join(', ')})`;
  try {
    const certificate = await open(host, port, isSecure);
    return [
      certificate === undefined ? ok('connection', `${where} accepts connections`) : tlsFinding(where, certificate),
    ];
  } catch (error) {
    const reason = reasonOf(error);
    const isTrust =
      isSecure && !/^(ECONN|ETIMEDOUT|EHOST|ENET|no answer)/.test(reason) && !reason.startsWith('connect ');
    return isTrust
      ? [
          fault(
            'connection',
            `TLS with ${where} fails: ${reason}`,
            'Mend its certificate, or trust its authority: NODE_EXTRA_CA_CERTS=FILE.',
          ),
        ]
      : [
          fault(
            'connection',
            `${where} cannot be reached: ${reason}`,
            'Is it running, and may this host connect to it (firewall, proxy)?',
          ),
        ];
  }
}

function tlsFinding(where: string, { valid_to: validTo }: PeerCertificate): Finding {
  const days = Math.floor((Date.parse(validTo) - Date.now()) / DAY_MS);
  const found = `${where} speaks TLS, its certificate is good for ${days} more days`;
  return days < SOON_DAYS ? warning('connection', found, 'Tell whoever runs it to renew it.') : ok('connection', found);
}

/** Opens a connection and closes it. Resolves to the certificate, where there is one. */
function open(host: string, port: number, isSecure: boolean): Promise<PeerCertificate | undefined> {
  return new Promise((resolve, reject) => {
    const servername = /^[\d.]+$|:/.test(host) ? {} : { servername: host };
    const socket = isSecure ? connectTls({ host, port, ...servername }) : connect({ host, port });
    socket.setTimeout(LIMIT_MS, () => socket.destroy(new Error(`no answer within ${LIMIT_MS / 1_000} s`)));
    socket.once('error', reject);
    socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      resolve('getPeerCertificate' in socket ? socket.getPeerCertificate() : undefined);
      socket.destroy();
    });
  });
}
