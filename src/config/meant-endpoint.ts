/**
 * Which endpoint is meant, and so what the environment and flags say something about: they speak of one (`endpoint.rate`), and the file may
 * have several by name. It is the one of `--endpoint`, the one whose URL is stated, or the only one there is.
 *
 * A URL from the environment or a flag that is none of the file's is another endpoint: the file's name, rate, burst, shape, secrets, headers and
 * inboxes are not meant for it and do not apply, so that a trial elsewhere is neither counted as a delivery to the real endpoint nor sent its
 * credentials, nor given what is dropped for others. Of a single `endpoint` the way to deliver (timeouts, retries, `ambiguous`) still applies.
 */
import { resolve } from 'node:path';
import { endpointNameOf } from './endpoint-url.ts';
import type { ConfigFault } from './faults.ts';
import { nearest } from './faults.ts';
import { mergeOptions } from './layer.ts';
import type { EndpointOptions, NamedEndpointOptions, SettingsOptions } from './schema.ts';

/** `--endpoint`, or WDS_ENDPOINT. */
export interface ChosenEndpoint {
  readonly name: string;
  readonly from: '--endpoint' | 'WDS_ENDPOINT';
}

export interface MeantEndpoint {
  /** What holds of the file. */
  readonly file: SettingsOptions;
  /** That, and what the environment and flags say. */
  readonly merged: SettingsOptions;
  /** Name of the one that is meant, of several; undefined: all of them, or there are not several. */
  readonly meant: string | undefined;
  readonly faults: readonly ConfigFault[];
}

interface Stated {
  readonly file: SettingsOptions;
  /** Environment and flags: one statement about the endpoint, so that WDS_SECRET signs what goes to `--url`. */
  readonly stated: SettingsOptions;
  readonly chosen: ChosenEndpoint | undefined;
  /** Where a setting of `stated` comes from: a variable, or a flag. */
  readonly originOf: (key: string) => string | undefined;
}

/** Secrets and the like of another URL. */
const OF_ITS_URL = [
  ...['name', 'rate', 'burst', 'shape', 'maxConnections', 'secretEnv', 'secretFile', 'headers'],
  ...['proxy', 'tls', 'oauth2', 'allowAddresses', 'tracing'],
] as const;
const SECRETS = ['secretEnv', 'secretFile'] as const;

export function findMeant(given: Stated): MeantEndpoint {
  const { file, stated, chosen, originOf } = given;
  const url = stated.endpoint?.url;
  const ofUrl = (one: NamedEndpointOptions): boolean => url === undefined || sameUrl(one.url, url);
  const own = [...(file.endpoint === undefined ? [] : [file.endpoint]), ...Object.values(file.endpoints ?? {})];
  const isOther = url !== undefined && own.length > 0 && !own.some(ofUrl);
  const faults: ConfigFault[] = [];
  const urlFrom = originOf('endpoint.url') ?? 'WDS_URL';
  // A flag is said now; the variable stands there for whatever is not said.
  const choice = isOther && urlFrom.startsWith('-') && chosen?.from === 'WDS_ENDPOINT' ? undefined : chosen;
  if (isOther && choice !== undefined) {
    faults.push({ key: choice.from, problem: `${urlFrom} names another endpoint; expected one of them` });
  }
  const there = isOther ? { ...file, ...(file.inboxes === undefined ? {} : { inboxes: {} }) } : file;
  if (isOther || there.endpoints === undefined) {
    const { endpoints: _others, ...kept } = there;
    const single = overlaid(kept, stated.endpoint);
    const merged = withInbox(mergeOptions(single, stated), stated);
    if (!isOther) faults.push(...unknownChoice(choice, merged));
    return { file: single, merged, meant: undefined, faults };
  }
  const { endpoints } = there;
  faults.push(...unknownChoice(choice, there));
  const fitting = Object.keys(endpoints).filter((name) => ofUrl(endpoints[name]!));
  const meant = choice?.name ?? (fitting.length === 1 ? fitting[0] : undefined);
  if (choice !== undefined && Object.hasOwn(endpoints, choice.name) && !fitting.includes(choice.name)) {
    faults.push({ key: choice.from, problem: `${urlFrom} is the URL of another endpoint; expected one of them` });
  }
  const { endpoint: spoken, ...rest } = stated;
  const { about, faults: found } = aboutOne(spoken ?? {}, meant, endpoints, originOf);
  faults.push(...found);
  const one = meant === undefined ? undefined : endpoints[meant];
  const completed = one === undefined ? endpoints : { ...endpoints, [meant!]: mergeInto(one, about) };
  return {
    file: there,
    merged: withInbox(mergeOptions({ ...there, endpoints: completed }, rest), stated),
    meant,
    faults,
  };
}

/** A file without a URL is completed by one. */
const sameUrl = (a: string | undefined, b: string): boolean => a === undefined || new URL(a).href === new URL(b).href;

const without = <E extends EndpointOptions>(endpoint: E, keys: readonly string[]): E =>
  Object.fromEntries(Object.entries(endpoint).filter(([key]) => !keys.includes(key))) as E;

/** What of the file's endpoint holds below what is stated; of several only the way to deliver is nobody's. */
function overlaid(file: SettingsOptions, stated: EndpointOptions | undefined): SettingsOptions {
  const { endpoint } = file;
  if (endpoint === undefined || stated === undefined) return file;
  const isOther = stated.url !== undefined && !sameUrl(endpoint.url, stated.url);
  const kept = isOther ? without(endpoint, OF_ITS_URL) : endpoint;
  return { ...file, endpoint: statesSecret(stated) ? without(kept, SECRETS) : kept };
}

const statesSecret = ({ secretEnv, secretFile }: NamedEndpointOptions): boolean =>
  secretEnv !== undefined || secretFile !== undefined;

function mergeInto(below: NamedEndpointOptions, above: NamedEndpointOptions): NamedEndpointOptions {
  const kept = statesSecret(above) ? without(below, SECRETS) : below;
  return mergeOptions({ endpoint: kept }, { endpoint: above }).endpoint ?? {};
}

/** What the environment and flags say of the one that is meant, and what they say of none. */
function aboutOne(
  spoken: EndpointOptions,
  meant: string | undefined,
  endpoints: Readonly<Record<string, NamedEndpointOptions>>,
  originOf: Stated['originOf'],
): { readonly about: NamedEndpointOptions; readonly faults: readonly ConfigFault[] } {
  const faults: ConfigFault[] = [];
  const names = Object.keys(endpoints);
  const { name: renamed, ...about } = spoken;
  if (renamed !== undefined && renamed !== meant) {
    const problem = 'the endpoints have their names in the file; expected --endpoint NAME, or WDS_ENDPOINT';
    faults.push({ key: 'endpoint.name', problem, origin: originOf('endpoint.name') });
  }
  const isOnes = names.length === 1 || about.secretEnv !== 'WDS_SECRET';
  if (!isOnes && !Object.values(endpoints).some(({ secretEnv }) => [secretEnv].flat().includes('WDS_SECRET'))) {
    const problem = `whose secret? There are several endpoints; expected endpoints.NAME.secretEnv: WDS_SECRET for those of ${names.join(', ')} that it is of`;
    faults.push({ key: 'WDS_SECRET', problem });
  }
  const spokenOf = isOnes ? about : without(about, SECRETS);
  if (meant !== undefined) return { about: spokenOf, faults };
  const problem = `of which endpoint? There are several (${names.join(', ')}); expected --endpoint NAME, or WDS_ENDPOINT`;
  for (const key of Object.keys(spokenOf).map((setting) => `endpoint.${setting}`)) {
    faults.push({ key, problem, origin: originOf(key) });
  }
  return { about: {}, faults };
}

function unknownChoice(choice: ChosenEndpoint | undefined, { endpoint, endpoints }: SettingsOptions): ConfigFault[] {
  const single = endpoint?.url === undefined ? [] : [endpoint.name ?? endpointNameOf(endpoint.url)];
  const names = endpoints === undefined ? single : Object.keys(endpoints);
  if (choice === undefined || names.includes(choice.name)) return [];
  const guess = nearest(choice.name, names);
  const there = names.length === 0 ? 'none is configured' : `there is ${names.join(', ')}`;
  const hint = guess === undefined ? there : `did you mean ${guess}?`;
  return [{ key: choice.from, problem: `${JSON.stringify(choice.name)} is no endpoint of the configuration; ${hint}` }];
}

/** A folder that was named now is watched alone: as one of the inboxes, or as one of its own. */
function withInbox(merged: SettingsOptions, { inbox }: SettingsOptions): SettingsOptions {
  const { inboxes, ...rest } = merged;
  if (inbox === undefined || inboxes === undefined) return merged;
  const same = Object.entries(inboxes).filter(([folder]) => resolve(folder) === resolve(inbox));
  const { inbox: _named, ...others } = rest;
  return same.length > 0 ? { ...others, inboxes: Object.fromEntries(same) } : rest;
}
