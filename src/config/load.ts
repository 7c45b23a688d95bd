/** Loads the settings: wds.config.yaml < environment < flags. Every fault of every source is told at once, as one Fault('config'). */

import { compile } from './compile.ts';
import { withDefaults } from './defaults.ts';
import type { ConfigFault } from './faults.ts';
import { configFault } from './faults.ts';
import { mergeOptions } from './layer.ts';
import type { ChosenEndpoint } from './meant-endpoint.ts';
import { findMeant } from './meant-endpoint.ts';
import { isNamedVariable, namedLayer, withNamed } from './named-variables.ts';
import type { LogLevel } from './schema.ts';
import type { Settings, TemporalFlags } from './settings.ts';
import type { Environment, FlagValues } from './sources.ts';
import { environmentLayer, fileLayer, flagLayer, misspeltVariables, variableOf } from './sources.ts';

export interface LoadInput {
  readonly cwd: string;
  readonly env: Environment;
  readonly flags?: FlagValues;
  /** `--config`; WDS_CONFIG stands in for it. */
  readonly configFile?: string | undefined;
  /** `--endpoint`; WDS_ENDPOINT stands in for it. */
  readonly endpoint?: string | undefined;
  readonly temporal?: TemporalFlags;
  readonly defaultLogLevel?: LogLevel;
}

export interface LoadedSettings {
  readonly settings: Settings;
  /** For stderr; nothing is wrong enough to stop. */
  readonly warnings: readonly string[];
}

export async function loadSettings(input: LoadInput): Promise<LoadedSettings> {
  const { cwd, env } = input;
  const { file, environment, merged, meant, faults } = await readSources(input);
  const told = new Set(faults.map((fault) => fault.key));
  const settings = await compile(withDefaults(merged), {
    cwd,
    env,
    meant,
    temporal: input.temporal ?? {},
    configured: mergeOptions(file, environment),
    defaultLogLevel: input.defaultLogLevel ?? 'info',
    collect: (fault) => {
      if (!told.has(fault.key)) faults.push(fault);
    },
  });
  if (faults.length > 0) throw configFault(faults);
  const names = Object.keys(merged.endpoints ?? {});
  return { settings, warnings: misspeltVariables(env, (name) => isNamedVariable(name, names)) };
}

/** What the sources state, merged, and each by itself as far as it holds. */
export async function readSources(input: LoadInput) {
  const { cwd, env } = input;
  const file = await fileLayer(input.configFile ?? (env.WDS_CONFIG || undefined), cwd);
  const environment = environmentLayer(env, cwd);
  const flags = flagLayer(input.flags ?? {}, cwd);
  const stated = mergeOptions(environment.options, flags.options);
  const named = namedLayer(env, cwd, file.options);
  const ofFile = mergeOptions(withNamed(file.options, named.options), named.options);
  const {
    file: inForce,
    merged,
    meant,
    faults,
  } = findMeant({
    ...{ file: ofFile, stated, chosen: chosenIn(input) },
    originOf: (key) => input.flags?.[key]?.flag ?? variableOf(key, env),
  });
  const all: ConfigFault[] = [...file.faults, ...named.faults, ...environment.faults, ...flags.faults, ...faults];
  const options = { file: inForce, environment: environment.options, flags: flags.options };
  return { ...options, merged, meant, faults: all };
}

function chosenIn({ endpoint, env }: LoadInput): ChosenEndpoint | undefined {
  if (endpoint !== undefined) return { name: endpoint, from: '--endpoint' };
  return env.WDS_ENDPOINT ? { name: env.WDS_ENDPOINT, from: 'WDS_ENDPOINT' } : undefined;
}
