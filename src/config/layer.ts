/**
 * One source of settings (file, environment or flags) checked against the schema. All its faults are collected, each with where it
 * stands; what is right is kept, so that the layers can be merged and checked together even when one has faults.
 */
import type { z } from 'zod';
import { NAME_EXPECTED } from './endpoint-schema.ts';
import { shownUrl } from './endpoint-url.ts';
import type { ConfigFault } from './faults.ts';
import { nearest, shownValue, wrongValue } from './faults.ts';
import type { SettingsOptions } from './schema.ts';
import { settingsSchema } from './schema.ts';
import type { SettingMeta } from './setting.ts';
import { metaOf } from './setting.ts';

export interface SettingEntry {
  /** Key path, e.g. `endpoint.rate`. */
  readonly key: string;
  readonly meta: SettingMeta;
  /** The environment variables that set it, the usual one first. */
  readonly variables: readonly string[];
}

type Path = readonly PropertyKey[];
type Group = Record<string, unknown>;

/** Where a value stands, for faults. */
export type OriginOf = (path: Path) => string | undefined;

export const isGroup = (value: unknown): value is Group =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const shapeOf = (schema: z.ZodType): Record<string, z.ZodType> =>
  (unwrapped(schema) as z.ZodObject).shape as Record<string, z.ZodType>;

/** Groups by a name that the operator gives; undefined: it is not of that kind. */
const namedGroup = (schema: z.ZodType): z.ZodType | undefined =>
  unwrapped(schema).def.type === 'record' ? ((unwrapped(schema) as z.ZodRecord).valueType as z.ZodType) : undefined;

/** The name is the operator's: it may be that of something inherited. */
function childOf(schema: z.ZodType, name: string): z.ZodType | undefined {
  const named = namedGroup(schema);
  if (named !== undefined) return named;
  const shape = shapeOf(schema);
  return Object.hasOwn(shape, name) ? shape[name] : undefined;
}

function unwrapped(schema: z.ZodType): z.ZodType {
  return schema.def.type === 'optional' ? ((schema as z.ZodOptional).unwrap() as z.ZodType) : schema;
}

let listed: readonly SettingEntry[] | undefined;

/** Every setting in the order of the schema. Those of `endpoints.NAME` are those of `endpoint`. */
export function listSettings(): readonly SettingEntry[] {
  const walk = (schema: z.ZodType, prefix: string): SettingEntry[] =>
    Object.entries(shapeOf(schema)).flatMap(([name, child]) => {
      const meta = metaOf(child);
      if (meta !== undefined) return [{ key: prefix + name, meta, variables: variablesOf(prefix + name, meta) }];
      return namedGroup(child) === undefined ? walk(child, `${prefix}${name}.`) : [];
    });
  listed ??= walk(settingsSchema, '');
  return listed;
}

/** `endpoint.maxRetryAfterSeconds` → WDS_ENDPOINT_MAX_RETRY_AFTER_SECONDS; a few have a short name, too. */
function variablesOf(key: string, { env }: SettingMeta): string[] {
  const words = key.replaceAll('MiB', 'Mib').replaceAll(/(?<=[a-z0-9])(?=[A-Z])|\./g, '_');
  const named = `WDS_${words.toUpperCase()}`;
  return [...new Set(env === undefined ? [named] : [env, named])];
}

/** The setting that a path lies in; undefined: the path is a group's. */
function settingAt(path: Path): SettingMeta | undefined {
  let schema: z.ZodType = settingsSchema;
  for (const key of path) {
    const child = childOf(schema, String(key));
    if (child === undefined) return undefined;
    const meta = metaOf(child);
    if (meta !== undefined) return meta;
    schema = child;
  }
  return undefined;
}

const ELSEWHERE = new Map([
  [
    'temporal',
    'the Temporal service is set by TEMPORAL_ADDRESS and the other TEMPORAL_ variables, or by --temporal-address',
  ],
  ['secret', 'a secret does not belong here: put it in a file and name it in endpoint.secretFile, or set WDS_SECRET'],
]);

function unknownKey(path: Path, name: string): string {
  const elsewhere = ELSEWHERE.get(name);
  if (elsewhere !== undefined) return `unknown setting; ${elsewhere}`;
  const [group, endpoint, ...inner] = path;
  if (group === 'endpoints' && endpoint !== undefined) {
    if (name === 'name' && inner.length === 0) return `unknown setting; the endpoint is called ${String(endpoint)}`;
    return unknownKey(['endpoint', ...inner], name).replace(
      /(?<=mean )endpoint(?=\.)/,
      `endpoints.${String(endpoint)}`,
    );
  }
  const keys = listSettings().map((entry) => entry.key);
  const full = [...path, name].join('.');
  const sameName = keys.find((key) => key.split('.').at(-1) === name);
  const guess = sameName ?? nearest(full, [...keys, ...Object.keys(settingsSchema.shape)]) ?? nearestName(name, keys);
  return guess === undefined ? 'unknown setting' : `unknown setting; did you mean ${guess}?`;
}

/** A misspelt name in the wrong group. */
function nearestName(name: string, keys: readonly string[]): string | undefined {
  const byName = new Map(keys.map((key) => [key.split('.').at(-1) ?? key, key]));
  return byName.get(nearest(name, byName.keys()) ?? '');
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value);
}

/** `key:` with nothing behind it, for a group whose lines are all commented out, is an empty group. */
function withoutEmptyGroups(value: Group, schema: z.ZodType): Group {
  const entries = Object.entries(value).flatMap(([name, child]): [string, unknown][] => {
    const childSchema = childOf(schema, name);
    if (childSchema === undefined || metaOf(childSchema) !== undefined) return [[name, child]];
    // One that has a name was meant.
    if (child === null) return namedGroup(schema) === undefined ? [] : [[name, {}]];
    return [[name, isGroup(child) ? withoutEmptyGroups(child, childSchema) : child]];
  });
  return Object.fromEntries(entries);
}

/** `store: s3://…` stands for the group with that location. */
const withStoreGroup = (value: Group): Group =>
  typeof value.store === 'string' ? { ...value, store: { location: value.store } } : value;

function shownAt(path: Path, value: unknown): string {
  const isUrl = path.at(-1) === 'url' && typeof value === 'string';
  return shownValue(isUrl ? shownUrl(value) : value);
}

const groupExpected = (key: string): string =>
  key === 'endpoints' ? 'names of endpoints, each with a group of settings' : 'a group of settings';

function withoutPath(value: Group, path: Path): void {
  const parent = valueAt(value, path.slice(0, -1));
  if (isGroup(parent)) delete parent[String(path.at(-1))];
}

export function checkLayer(raw: Group, originOf: OriginOf): { options: SettingsOptions; faults: ConfigFault[] } {
  const value = withoutEmptyGroups(withStoreGroup(raw), settingsSchema);
  const checked = settingsSchema.safeParse(value);
  if (checked.success) return { options: checked.data, faults: [] };

  const faults = new Map<string, ConfigFault>();
  for (const issue of checked.error.issues) {
    if (issue.code === 'unrecognized_keys' && settingAt(issue.path) === undefined) {
      for (const name of issue.keys) {
        const path = [...issue.path, name];
        faults.set(path.join('.'), {
          key: path.join('.'),
          problem: unknownKey(issue.path, name),
          origin: originOf(path),
        });
        withoutPath(value, path);
      }
      continue;
    }
    const meta = settingAt(issue.path);
    const shown = meta?.secret ? undefined : shownAt(issue.path, valueAt(value, issue.path));
    const key = issue.path.join('.') || 'the whole';
    // What the check itself says ends a sentence that begins with the value.
    const why = issue.code === 'custom' && issue.message !== 'Invalid input' ? ` ${issue.message}` : '';
    const expects = meta?.expects ?? (issue.code === 'invalid_key' ? `a name: ${NAME_EXPECTED}` : groupExpected(key));
    faults.set(key, { key, problem: wrongValue(shown && shown + why, expects), origin: originOf(issue.path) });
  }
  for (const issue of checked.error.issues) {
    if (issue.code !== 'unrecognized_keys') withoutPath(value, issue.path);
  }
  const rest = settingsSchema.safeParse(value);
  return { options: rest.success ? rest.data : {}, faults: [...faults.values()] };
}

/** Settings stated in `higher` win; groups are merged setting by setting. */
export function mergeOptions(lower: SettingsOptions, higher: SettingsOptions): SettingsOptions {
  const merge = (below: Group, above: Group, path: Path): Group => {
    const merged: Group = { ...below };
    for (const [name, value] of Object.entries(above)) {
      const at = [...path, name];
      const old = below[name];
      merged[name] = isGroup(value) && isGroup(old) && settingAt(at) === undefined ? merge(old, value, at) : value;
    }
    return merged;
  };
  return merge(lower, higher, []) as SettingsOptions;
}
