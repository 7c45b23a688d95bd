/** The three sources of settings, in rising order: wds.config.yaml, the environment, flags. Each becomes a checked layer. */
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { Fault } from '../domain/failure.ts';
import { errnoOf } from '../thrown.ts';
import type { ConfigFault } from './faults.ts';
import { nearest } from './faults.ts';
import { checkLayer, isGroup, listSettings } from './layer.ts';
import { isS3Url } from './s3-location.ts';
import type { NamedEndpointOptions, SettingsOptions } from './schema.ts';

const CONFIG_FILE = 'wds.config.yaml';
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Layer {
  readonly options: SettingsOptions;
  readonly faults: readonly ConfigFault[];
}

/** Settings from the command line by key path, each with the flag that a fault names. */
export type FlagValues = Readonly<Record<string, { readonly value: string | boolean; readonly flag: string }>>;

type Path = readonly PropertyKey[];

export function setAt(group: Record<string, unknown>, key: string, value: unknown): void {
  const names = key.split('.');
  const last = names.pop() ?? key;
  let at = group;
  for (const name of names) {
    at[name] ??= {};
    at = at[name] as Record<string, unknown>;
  }
  at[last] = value;
}

/** Makes the paths of a layer absolute, as the place where they were written means them. */
export function absolute(options: SettingsOptions, folder: string): SettingsOptions {
  const at = (path: string): string => resolve(folder, path);
  const inboxAt = (place: string): string => (isS3Url(place) ? place : at(place));
  const { home, inbox, inboxes, endpoint, endpoints, api, delivery, notify } = options;
  return {
    ...options,
    ...(home === undefined ? {} : { home: at(home) }),
    ...(inbox === undefined ? {} : { inbox: inboxAt(inbox) }),
    ...(delivery?.suppressFile === undefined
      ? {}
      : { delivery: { ...delivery, suppressFile: at(delivery.suppressFile) } }),
    // Not resolved yet: two ways to write one folder must not become one key.
    ...(inboxes === undefined
      ? {}
      : {
          inboxes: mapped(inboxes, (to, path) => [isAbsolute(path) || isS3Url(path) ? path : `${folder}/${path}`, to]),
        }),
    ...(notify?.secretFile === undefined
      ? {}
      : { notify: { ...notify, secretFile: [notify.secretFile].flat().map(at) } }),
    ...(api?.tokenFile === undefined ? {} : { api: { ...api, tokenFile: at(api.tokenFile) } }),
    ...(endpoint === undefined ? {} : { endpoint: absoluteIn(endpoint, at) }),
    ...(endpoints === undefined ? {} : { endpoints: mapped(endpoints, (one, name) => [name, absoluteIn(one, at)]) }),
  };
}

function absoluteIn<E extends NamedEndpointOptions>(endpoint: E, at: (path: string) => string): E {
  const { secretFile, headers, tls, oauth2 } = endpoint;
  return {
    ...endpoint,
    ...(tls === undefined ? {} : { tls: tlsPaths(tls, at) }),
    ...(oauth2?.clientSecretFile === undefined
      ? {}
      : { oauth2: { ...oauth2, clientSecretFile: at(oauth2.clientSecretFile) } }),
    ...(secretFile === undefined ? {} : { secretFile: [secretFile].flat().map(at) }),
    ...(headers === undefined
      ? {}
      : {
          headers: mapped(headers, (value, name) => [
            name,
            typeof value === 'object' && 'file' in value ? { file: at(value.file) } : value,
          ]),
        }),
  };
}

type TlsOptions = NonNullable<NamedEndpointOptions['tls']>;

const tlsPaths = ({ ca, cert, key }: TlsOptions, at: (path: string) => string): TlsOptions => ({
  ...(ca === undefined ? {} : { ca: [ca].flat().map(at) }),
  ...(cert === undefined ? {} : { cert: at(cert) }),
  ...(key === undefined ? {} : { key: at(key) }),
});

const mapped = <From, To>(
  record: Readonly<Record<string, From>>,
  entry: (value: From, key: string) => [string, To],
): Record<string, To> => Object.fromEntries(Object.entries(record).map(([key, value]) => entry(value, key)));

/**
 * The configuration file. `named` is a file that somebody asked for: it must exist. Without one, wds.config.yaml in the current folder is
 * read where there is one. Throws Fault('config') where the named file is missing or a file cannot be read.
 */
export async function fileLayer(named: string | undefined, cwd: string): Promise<Layer> {
  const path = resolve(cwd, named ?? CONFIG_FILE);
  const shown = named ?? CONFIG_FILE;
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' && named === undefined) return { options: {}, faults: [] };
    const why = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`;
    throw new Fault('config', `configuration file ${shown}: ${why}`, 'Check --config or WDS_CONFIG.', { cause: error });
  }
  const { options, faults } = yamlLayer(text, shown);
  return { options: absolute(options, dirname(path)), faults };
}

/** `name` is the file's, for faults. */
export function yamlLayer(text: string, name: string): Layer {
  const lines = new LineCounter();
  // prettyErrors would quote the line, and with it perhaps a secret.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineAt = (offset: number): string => `${name}, line ${lines.linePos(offset).line}`;
  if (document.errors.length > 0) {
    const faults = document.errors.map((error) => ({
      key: 'YAML',
      problem: `${error.code.toLowerCase().replaceAll('_', ' ')}`,
      origin: lineAt(error.pos[0]),
    }));
    return { options: {}, faults };
  }
  const originOf = (path: Path): string => {
    const parent = document.getIn(path.slice(0, -1), true);
    const pair = isMap(parent)
      ? parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(path.at(-1)))
      : undefined;
    if (isScalar(pair?.key) && pair.key.range) return lineAt(pair.key.range[0]);
    return path.length > 1 ? originOf(path.slice(0, -1)) : name;
  };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch {
    return { options: {}, faults: [{ key: 'YAML', problem: 'aliases cannot be resolved', origin: name }] };
  }
  if (!isGroup(value)) {
    return { options: {}, faults: [{ key: 'YAML', problem: 'expected settings as "key: value" lines', origin: name }] };
  }
  const { options, faults } = checkLayer(value, originOf);
  const lineOf = (fault: ConfigFault): number => Number(/\d+$/.exec(fault.origin ?? '')?.[0] ?? 0);
  return { options, faults: faults.sort((a, b) => lineOf(a) - lineOf(b)) };
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const BOOLEANS = new Map([
  ['true', true],
  ['false', false],
]);
const typed = (value: string | boolean): unknown => {
  if (typeof value !== 'string') return value;
  return NUMBER.test(value.trim()) ? Number(value) : (BOOLEANS.get(value.trim()) ?? value);
};

/** Settings whose text may look like a number and is none. */
const isText = (key: string): boolean =>
  /(^|\.)(home|inbox|location|region|url|name|\w+Column|separator|encoding|host|secret\w+|token\w+|suppressFile|command|deployment|buildId|bodyMatches|client\w+|scope|audience|proxy|contentType|ca|cert|key)$/.test(
    key,
  );

/** A variable holds text: of what is no text by its nature, numbers, `true` and `false`, and `[…]` and `{…}` as in the file. */
export function typedVariable(key: string, value: string): unknown {
  if (isText(key)) return value;
  const text = value.trim();
  if (text === 'true' || text === 'false') return text === 'true';
  if (!/^[[{]/.test(text)) return typed(value);
  const document = parseDocument(text);
  return document.errors.length > 0 ? value : document.toJS({ maxAliasCount: 100 });
}

/** An empty variable is as good as none. */
export function environmentLayer(env: Environment, cwd: string): Layer {
  const raw: Record<string, unknown> = {};
  const names = new Map<string, string>();
  for (const { key } of listSettings()) {
    const name = variableOf(key, env);
    const value = name === undefined ? undefined : env[name];
    if (name === undefined || value === undefined) continue;
    names.set(key, name);
    setAt(raw, key, name === SECRETS.get(key) ? name : typedVariable(key, value));
  }
  const { options, faults } = checkLayer(raw, (path) =>
    path.map((_, at) => names.get(path.slice(0, at + 1).join('.'))).find((name) => name !== undefined),
  );
  return { options: absolute(options, cwd), faults };
}

/** Variables that hold a secret themselves, by the setting that names a variable which does. */
const SECRETS: ReadonlyMap<string, string> = new Map([
  ['endpoint.secretEnv', 'WDS_SECRET'],
  ['notify.secretEnv', 'WDS_NOTIFY_SECRET'],
]);

/** The environment variable that states a setting; undefined: none does. */
export function variableOf(key: string, env: Environment): string | undefined {
  const { variables = [] } = listSettings().find((entry) => entry.key === key) ?? {};
  return [SECRETS.get(key), ...variables].find(
    (name) => name !== undefined && env[name] !== undefined && env[name] !== '',
  );
}

export function flagLayer(flags: FlagValues, cwd: string): Layer {
  const raw: Record<string, unknown> = {};
  for (const [key, { value }] of Object.entries(flags)) setAt(raw, key, isText(key) ? value : typed(value));
  const { options, faults } = checkLayer(raw, (path) => flags[path.join('.')]?.flag);
  return { options: absolute(options, cwd), faults };
}

/** Variables that wds reads beside those of the settings. */
const OTHER_VARIABLES = [
  'WDS_CONFIG',
  'WDS_ENDPOINT',
  'WDS_SECRET',
  'WDS_NOTIFY_SECRET',
  'WDS_API_TOKEN',
  'WDS_FAILPOINT',
  'WDS_TEMPORAL_CLI',
  'WDS_RECEIVER_SECRET',
];

/** Warnings about WDS_ variables that look like misspelt ones: a secret in WDS_SECRT would leave requests unsigned without a word. */
export function misspeltVariables(env: Environment, isKnown: (name: string) => boolean = () => false): string[] {
  const known = [...listSettings().flatMap(({ variables }) => variables), ...OTHER_VARIABLES];
  return Object.keys(env).flatMap((name) => {
    if (!name.startsWith('WDS_') || known.includes(name) || isKnown(name)) return [];
    const guess = nearest(name, known);
    return guess === undefined ? [] : [`${name} is not a variable that wds reads; did you mean ${guess}?`];
  });
}
