/** Where alerts go, by the settings: which endpoint a command is about, and which inbox delivers to which endpoints. */
import { shownUrl } from '../config/endpoint-url.ts';
import type { InboxSettings, Settings } from '../config/settings.ts';
import { inboxPlace } from '../config/settings.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import { Fault } from '../domain/failure.ts';
import type { DeliveryRecord } from '../store/delivery-record.ts';

/** An inbox, and the endpoints that each of its files is delivered to: one or more. */
export interface Route extends Pick<InboxSettings, 'folder' | 'bucket'> {
  /** For people. */
  readonly inbox: string;
  readonly endpoints: readonly Endpoint[];
}

/** The one that is meant. Throws Fault `config` where there is none, `usage` where it is not said which. */
export function meantEndpoint({ endpoint, endpoints }: Settings): Endpoint {
  if (endpoint !== undefined) return endpoint;
  if (endpoints.length > 0) throw whichEndpoint(endpoints);
  throw noEndpoint();
}

/** The one that is meant, or all. Throws Fault `config` where there is none. */
export function meantEndpoints({ endpoint, endpoints }: Settings): readonly Endpoint[] {
  if (endpoints.length === 0) throw noEndpoint();
  return endpoint === undefined ? endpoints : [endpoint];
}

/** The inboxes of what is meant. Throws Fault `config` where there is none, or where it is not said to which endpoint one delivers. */
export function routesOf({ endpoint, endpoints, inboxes }: Settings): readonly Route[] {
  if (endpoints.length === 0) throw noEndpoint();
  if (inboxes.length === 0) {
    const what = endpoint === undefined ? 'there is no inbox' : `no inbox delivers to endpoint ${endpoint.name}`;
    throw new Fault('config', what, 'Add one to inboxes, or name the folder: WDS_INBOX=DIR, or wds watch DIR.');
  }
  return inboxes.map(({ endpoints: names, ...place }) => {
    const inbox = inboxPlace(place);
    const to = names.flatMap((name) => endpoints.find((one) => one.name === name) ?? []);
    if (to.length > 0) return { ...place, inbox, endpoints: to };
    const known = endpoints.map(({ name }) => name);
    throw new Fault(
      'config',
      `where do the files of ${inbox} go? There are several endpoints: ${known.join(', ')}`,
      `Say it in wds.config.yaml, such as inboxes: { ${JSON.stringify(inbox)}: ${known[0]} }, or choose one: --endpoint ${known[0]}`,
    );
  });
}

/** Those that the routes deliver to, each once. */
export const endpointsOf = (routes: readonly Pick<Route, 'endpoints'>[]): readonly Endpoint[] => [
  ...new Map(routes.flatMap(({ endpoints }) => endpoints).map((one) => [one.name, one])).values(),
];

/** For eyes. */
export const shownEndpoints = (endpoints: readonly Endpoint[]): Pick<Endpoint, 'name' | 'url'>[] =>
  endpoints.map(({ name, url }) => ({ name, url: shownUrl(url) }));

/** The deliveries to each of the endpoints that there are any to. */
export const byEndpoint = (records: readonly DeliveryRecord[], endpoints: readonly Endpoint[]) =>
  endpoints
    .map((endpoint) => ({ endpoint, own: records.filter((record) => record.endpoint === endpoint.name) }))
    .filter(({ own }) => own.length > 0);

/** That a file was delivered to. Throws Fault `not_found` where it is not one that is meant. */
export function endpointOf(
  { endpoint, fileName }: Pick<DeliveryRecord, 'endpoint' | 'fileName'>,
  settings: Settings,
): Endpoint {
  const meant = meantEndpoints(settings);
  const found = meant.find(({ name }) => name === endpoint);
  if (found !== undefined) return found;
  throw otherEndpoint({ endpoint, fileName }, meant);
}

export function otherEndpoint(
  { endpoint, fileName }: Pick<DeliveryRecord, 'endpoint' | 'fileName'>,
  meant: readonly Endpoint[],
): Fault {
  const names = meant.map(({ name }) => name).join(', ');
  return new Fault(
    'not_found',
    `${fileName} was delivered to endpoint ${endpoint}; this command is configured for ${names}`,
    'Give the URL, or the configuration, of that endpoint.',
  );
}

function whichEndpoint(endpoints: readonly Pick<Endpoint, 'name'>[]): Fault {
  const names = endpoints.map(({ name }) => name);
  return new Fault(
    'usage',
    `which endpoint? There are several: ${names.join(', ')}`,
    `Choose one: --endpoint ${names[0]}, or WDS_ENDPOINT.`,
  );
}

const noEndpoint = (): Fault =>
  new Fault('config', 'no endpoint is configured', 'Give --url URL, or endpoint.url in wds.config.yaml.');
