/**
 * Signing secrets and header values that come from files and environment variables. What they hold never appears in a fault; the name of
 * the file or variable does.
 */
import { readFile } from 'node:fs/promises';
import { errnoOf } from '../thrown.ts';
import { headerValueIsPlain } from './endpoint-url.ts';
import type { ConfigFault } from './faults.ts';
import { configFault } from './faults.ts';
import type { EndpointOptions } from './schema.ts';
import type { ApiSettings } from './settings.ts';
import type { Environment } from './sources.ts';

interface Found {
  readonly text: string;
  /** Where it comes from, for faults. */
  readonly from: string;
}

type Collect = (fault: ConfigFault) => void;

const SECRET = /^whsec_[A-Za-z0-9+/]+={0,2}$/;

/** Standard Webhooks 1.0: `whsec_` and the base64 of 24 to 64 bytes. */
function isSigningSecret(text: string): boolean {
  const base64 = text.slice('whsec_'.length);
  const bytes = Buffer.from(base64, 'base64');
  return SECRET.test(text) && bytes.length >= 24 && bytes.length <= 64 && bytes.toString('base64') === base64;
}

async function fromFile(path: string, key: string, collect: Collect): Promise<Found | undefined> {
  try {
    return { text: (await readFile(path, 'utf8')).replace(/^\uFEFF/, ''), from: path };
  } catch (error) {
    collect({ key, problem: `${path} cannot be read: ${errnoOf(error) ?? 'unknown error'}` });
    return undefined;
  }
}

function fromVariable(name: string, env: Environment, key: string, collect: Collect): Found | undefined {
  const text = env[name];
  if (text !== undefined && text !== '') return { text, from: `variable ${name}` };
  collect({ key, problem: `the environment variable ${name} is not set` });
  return undefined;
}

const list = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value;

/** Newest first; empty where none is configured. `endpoint`, here and below: key of the group, for faults. */
export async function readSecrets(
  options: Pick<EndpointOptions, 'secretFile' | 'secretEnv'>,
  endpoint: string,
  env: Environment,
  collect: Collect,
): Promise<string[]> {
  const files = list(options.secretFile);
  const variables = list(options.secretEnv);
  if (files.length > 0 && variables.length > 0) {
    collect({
      key: `${endpoint}.secretFile`,
      problem: 'the secret comes from a file and from a variable; expected one of them',
    });
    return [];
  }
  const found = [
    ...(await Promise.all(files.map((path) => fromFile(path, `${endpoint}.secretFile`, collect)))),
    ...variables.map((name) => fromVariable(name, env, `${endpoint}.secretEnv`, collect)),
  ].filter((item) => item !== undefined);

  const key = `${endpoint}.${files.length > 0 ? 'secretFile' : 'secretEnv'}`;
  const secrets = found.flatMap(({ text, from }) => {
    const words = text.split(/[\s,]+/).filter((word) => word !== '');
    if (words.length > 0 && words.every(isSigningSecret)) return words;
    collect({ key, problem: `(value not shown), expected whsec_ and the base64 of 24 to 64 bytes`, origin: from });
    return [];
  });
  if (secrets.length > 2) {
    collect({ key, problem: `${secrets.length} secrets, expected one, or two while you rotate it` });
  }
  return secrets;
}

/** A secret of another kind: one text, as it stands; undefined: it is not to be had, or both sources are stated, and `collect` was told. */
export async function readOneSecret(
  { file, variable }: { readonly file: string | undefined; readonly variable: string | undefined },
  key: string,
  env: Environment,
  collect: Collect,
): Promise<string | undefined> {
  if ((file === undefined) === (variable === undefined)) {
    const what = file === undefined ? 'missing' : 'the secret comes from a file and from a variable';
    collect({ key: `${key}File`, problem: `${what}; expected ${key}File or ${key}Env` });
    return undefined;
  }
  const found =
    file === undefined
      ? fromVariable(variable!, env, `${key}Env`, collect)
      : await fromFile(file, `${key}File`, collect);
  const text = found?.text.trim();
  if (text === '') collect({ key: `${key}File`, problem: 'it is empty', origin: found?.from });
  return text || undefined;
}

/** RFC 6750, section 2.1. */
const TOKEN = /^[A-Za-z0-9._~+/-]{16,512}=*$/;

/** The bearer token of the HTTP API; undefined: none is configured. Throws Fault `config`, which never quotes it. */
export async function readApiToken({ token }: ApiSettings): Promise<string | undefined> {
  if (token === undefined) return undefined;
  const faults: ConfigFault[] = [];
  const isFile = 'file' in token;
  const key = isFile ? 'api.tokenFile' : 'api.tokenEnv';
  const collect = (fault: ConfigFault): number => faults.push(fault);
  const found = isFile
    ? await fromFile(token.file, key, collect)
    : fromVariable(token.variable, { [token.variable]: token.value }, key, collect);
  const text = found?.text.trim() ?? '';
  if (found !== undefined && !TOKEN.test(text)) {
    const problem = '(value not shown), expected 16 to 512 letters, digits, or characters of - . _ ~ + /';
    collect({ key, problem, origin: found.from });
  }
  if (faults.length > 0) throw configFault(faults);
  return text;
}

export async function readHeaders(
  options: EndpointOptions,
  endpoint: string,
  env: Environment,
  collect: Collect,
): Promise<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    const key = `${endpoint}.headers.${name}`;
    const found =
      typeof value === 'string'
        ? { text: value, from: undefined }
        : 'env' in value
          ? fromVariable(value.env, env, key, collect)
          : await fromFile(value.file, key, collect);
    if (found === undefined) continue;
    const text = found.text.trim();
    if (headerValueIsPlain(text)) headers[name] = text;
    else
      collect({
        key,
        problem: '(value not shown), expected printable Latin-1 characters on one line',
        origin: found.from,
      });
  }
  return headers;
}
