/** Environment variables of endpoints by name: WDS_ENDPOINTS_CRM_RATE is `endpoints.crm.rate`. The names themselves are those of the file. */
import { checkLayer, listSettings } from './layer.ts';
import type { EndpointOptions, NamedEndpointOptions, SettingsOptions } from './schema.ts';
import type { Environment, Layer } from './sources.ts';
import { absolute, setAt, typedVariable } from './sources.ts';

const PREFIX = 'WDS_ENDPOINTS_';
const prefixOf = (name: string): string => `${PREFIX}${name.toUpperCase().replaceAll('-', '_')}_`;

/** Variables by the setting of `endpoint` that they are about; the one that holds a secret itself is about `secretEnv`. */
function* variablesOf(name: string): Generator<readonly [variable: string, key: string]> {
  for (const { key, variables } of listSettings()) {
    const long = variables.at(-1)?.replace(/^WDS_ENDPOINT_/, '');
    if (key.startsWith('endpoint.') && key !== 'endpoint.name') yield [prefixOf(name) + long, key];
  }
  yield [`${prefixOf(name)}SECRET`, 'endpoint.secretEnv'];
}

/** The variable that states a setting (`endpoint.rate`) of the endpoint of this name; undefined: none does. */
export const namedVariable = (name: string, key: string, env: Environment): string | undefined =>
  [...variablesOf(name)].findLast(([variable, about]) => about === key && (env[variable] ?? '') !== '')?.[0];

/** What they say of the endpoints that there are. */
export function namedLayer(env: Environment, cwd: string, { endpoints = {} }: SettingsOptions): Layer {
  const names = Object.keys(endpoints);
  const raw: Record<string, unknown> = {};
  const origins = new Map<string, string>();
  const faults: Layer['faults'][number][] = [];
  for (const name of names) {
    const same = names.find((other) => other !== name && prefixOf(other) === prefixOf(name));
    for (const [variable, key] of variablesOf(name)) {
      const value = env[variable] ?? '';
      if (value === '') continue;
      if (same !== undefined) {
        faults.push({
          key: variable,
          problem: `of ${name}, or of ${same}? Expected names that differ in more than - and _`,
        });
        continue;
      }
      const own = key.replace(/^endpoint/, `endpoints.${name}`);
      origins.set(own, variable);
      setAt(raw, own, variable.endsWith('_SECRET') ? variable : typedVariable(key, value));
    }
  }
  const checked = checkLayer(raw, (path) =>
    path.map((_, at) => origins.get(path.slice(0, at + 1).join('.'))).find((variable) => variable !== undefined),
  );
  return { options: absolute(checked.options, cwd), faults: [...faults, ...checked.faults] };
}

/** A secret of the environment replaces that of the file, whichever way each is stated. */
export function withNamed(file: SettingsOptions, { endpoints: named = {} }: SettingsOptions): SettingsOptions {
  if (file.endpoints === undefined) return file;
  const endpoints = Object.entries(file.endpoints).map(([name, one]): [string, NamedEndpointOptions] => {
    const { secretEnv, secretFile } = named[name] ?? {};
    const { secretEnv: _env, secretFile: _file, ...rest }: EndpointOptions = one;
    return [name, secretEnv === undefined && secretFile === undefined ? one : rest];
  });
  return { ...file, endpoints: Object.fromEntries(endpoints) };
}

/** Whether a variable looks like one of these. */
export const isNamedVariable = (name: string, names: readonly string[]): boolean =>
  names.some((endpoint) => [...variablesOf(endpoint)].some(([variable]) => variable === name));
