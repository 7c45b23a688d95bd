/** The configuration as it is in force, setting by setting, with where each value comes from. Secrets are not shown. */
import { withDefaults } from './defaults.ts';
import { shownUrl } from './endpoint-url.ts';
import { shownValue } from './faults.ts';
import { listSettings } from './layer.ts';
import type { LoadInput } from './load.ts';
import { readSources } from './load.ts';

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
  const { file, environment, flags, merged } = await readSources(input);
  const defaults = withDefaults(merged);
  const fileName = input.configFile ?? (input.env.WDS_CONFIG || 'wds.config.yaml');
  return listSettings().map(({ key, meta }) => {
    const sources = [
      { from: input.flags?.[key]?.flag ?? 'flag', value: at(flags, key) },
      { from: meta.env ?? 'WDS_SECRET', value: at(environment, key) },
      { from: fileName, value: at(file, key) },
    ];
    const stated = sources.find(({ value }) => value !== undefined);
    const value = stated?.value ?? at(defaults, key);
    return { key, from: stated?.from ?? 'default', value: shown(key, value, meta.secret === true, meta.otherwise) };
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
