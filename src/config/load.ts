/**
 * Loads the settings: wds.config.yaml < environment < flags. Every fault of every source is told at once, as one Fault('config').
 *
 * A URL from the environment or a flag that differs from the file's is another endpoint: the file's name, rate, burst, secrets and headers
 * are not meant for it and do not apply, so that a trial elsewhere is neither counted as a delivery to the real endpoint nor sent its
 * credentials. How to deliver (timeouts, retries, `ambiguous`) still applies.
 */

import { compile } from './compile.ts';
import { withDefaults } from './defaults.ts';
import type { ConfigFault } from './faults.ts';
import { configFault } from './faults.ts';
import { mergeOptions } from './layer.ts';
import type { EndpointOptions, LogLevel, SettingsOptions } from './schema.ts';
import type { Settings, TemporalFlags } from './settings.ts';
import type { Environment, FlagValues } from './sources.ts';
import { environmentLayer, fileLayer, flagLayer, misspeltVariables } from './sources.ts';

export interface LoadInput {
  readonly cwd: string;
  readonly env: Environment;
  readonly flags?: FlagValues;
  /** `--config`; WDS_CONFIG stands in for it. */
  readonly configFile?: string | undefined;
  readonly temporal?: TemporalFlags;
  readonly defaultLogLevel?: LogLevel;
}

export interface LoadedSettings {
  readonly settings: Settings;
  /** For stderr; nothing is wrong enough to stop. */
  readonly warnings: readonly string[];
}

const withoutKeys = (endpoint: EndpointOptions, keys: readonly (keyof EndpointOptions)[]): EndpointOptions =>
  Object.fromEntries(Object.entries(endpoint).filter(([key]) => !keys.includes(key as keyof EndpointOptions)));

const sameUrl = (a: string, b: string): boolean => new URL(a).href === new URL(b).href;

/** What of a lower layer's endpoint does not apply below a higher layer. */
function overlaid(lower: SettingsOptions, higher: SettingsOptions): SettingsOptions {
  let endpoint = lower.endpoint;
  if (endpoint === undefined || higher.endpoint === undefined) return lower;
  const { url, secretEnv, secretFile } = higher.endpoint;
  if (url !== undefined && endpoint.url !== undefined && !sameUrl(url, endpoint.url)) {
    endpoint = withoutKeys(endpoint, ['name', 'rate', 'burst', 'maxConnections', 'secretEnv', 'secretFile', 'headers']);
  }
  if (secretEnv !== undefined || secretFile !== undefined)
    endpoint = withoutKeys(endpoint, ['secretEnv', 'secretFile']);
  return { ...lower, endpoint };
}

export async function loadSettings(input: LoadInput): Promise<LoadedSettings> {
  const { cwd, env } = input;
  const { file, environment, merged, faults } = await readSources(input);
  const told = new Set(faults.map((fault) => fault.key));
  const settings = await compile(withDefaults(merged), {
    cwd,
    env,
    temporal: input.temporal ?? {},
    configured: mergeOptions(file, environment),
    defaultLogLevel: input.defaultLogLevel ?? 'info',
    collect: (fault) => {
      if (!told.has(fault.key)) faults.push(fault);
    },
  });
  if (faults.length > 0) throw configFault(faults);
  return { settings, warnings: misspeltVariables(env) };
}

/** What the sources state, merged, and each by itself as far as it holds. */
export async function readSources(input: LoadInput) {
  const { cwd, env } = input;
  const file = await fileLayer(input.configFile ?? (env.WDS_CONFIG || undefined), cwd);
  const environment = environmentLayer(env, cwd);
  const flags = flagLayer(input.flags ?? {}, cwd);
  // The environment and flags are one statement about the endpoint: WDS_SECRET signs what goes to --url.
  const stated = mergeOptions(environment.options, flags.options);
  const fromFile = overlaid(file.options, stated);
  const faults: ConfigFault[] = [...file.faults, ...environment.faults, ...flags.faults];
  const options = { file: fromFile, environment: environment.options, flags: flags.options };
  return { ...options, merged: mergeOptions(fromFile, stated), faults };
}
