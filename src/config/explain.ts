/** The configuration as it is in force, setting by setting, with where each value comes from. Secrets are not shown. */
import { withDefaults } from './defaults.ts';
import { shownUrl } from './endpoint-url.ts';
import { shownValue } from './faults.ts';
import type { SettingEntry } from './layer.ts';
import { listSettings } from './layer.ts';
import type { LoadInput } from './load.ts';
import { readSources } from './load.ts';
import { namedVariable } from './named-variables.ts';
import { variableOf } from './sources.ts';

export interface SettingInForce {
  /** `endpoint.rate` */
  readonly key: string;
  /** As a person reads it. */
  readonly value: string;
  /** `--rate`, `WDS_RATE`, the name of the file, or `default`. */
  readonly from: string;
}

/** Throws Fault `config` where the configuration file cannot be read. Faults of single values are not told: loadSettings does that. */
export async function settingsInForce(input: LoadInput): Promise<SettingInForce[]> {
  const { file, environment, flags, merged, meant } = await readSources(input);
  const defaults = withDefaults(merged);
  const fileName = input.configFile ?? (input.env.WDS_CONFIG || 'wds.config.yaml');
  const names = Object.keys(merged.endpoints ?? {});
  /** `as`: how its key begins, where it is that of one of several; they say something of the one that is meant. */
  const inForce = ({ key, meta }: SettingEntry, as?: string): SettingInForce => {
    const own = as === undefined ? key : key.replace(/^endpoint/, `endpoints.${as}`);
    const isSpokenOf = as === undefined || as === meant;
    const sources = [
      { from: input.flags?.[key]?.flag ?? 'flag', value: isSpokenOf ? at(flags, key) : undefined },
      { from: variableOf(key, input.env) ?? 'environment', value: isSpokenOf ? at(environment, key) : undefined },
      { from: (as && namedVariable(as, key, input.env)) ?? fileName, value: at(file, own) },
    ];
    const stated = sources.find(({ value }) => value !== undefined);
    const value = stated?.value ?? at(defaults, own);
    return {
      key: own,
      from: stated?.from ?? 'default',
      value: shown(own, value, meta.secret === true, meta.otherwise),
    };
  };
  return listSettings().flatMap((entry) => {
    const isEndpoints = names.length > 0 && entry.key.startsWith('endpoint.');
    if (!isEndpoints) return [inForce(entry)];
    return entry.key === 'endpoint.name' ? [] : names.map((name) => inForce(entry, name));
  });
}

function shown(key: string, value: unknown, secret: boolean, otherwise = 'none'): string {
  if (value === undefined) return otherwise;
  if (secret) return '(not shown)';
  if (typeof value !== 'string') return shownValue(value);
  return /url$/i.test(key) ? shownUrl(value) : value;
}

const at = (options: object, key: string): unknown =>
  key.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], options);
