import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import {
  API_FLAGS,
  CARE_FLAGS,
  ENDPOINT_FLAGS,
  GLOBAL_SETTING_FLAGS,
  ONCE_FLAGS,
  PARSE_FLAGS,
  RESTRAINT_FLAGS,
} from '../../src/cli/options.ts';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { checkLayer, listSettings } from '../../src/config/layer.ts';
import { settingsSchema } from '../../src/config/schema.ts';
import { yamlLayer } from '../../src/config/sources.ts';
import { defaultText, renderReference } from './reference.ts';

const root = join(import.meta.dirname, '../..');

test('docs/configuration.md is what the schema says', async () => {
  // When a setting changes: npx vitest run test/config/reference.test.ts -u
  await expect(renderReference()).toMatchFileSnapshot(join(root, 'docs/configuration.md'));
});

test('every setting has a default in figures or in words', () => {
  expect(listSettings().filter((entry) => defaultText(entry) === undefined)).toEqual([]);
});

test('the defaults pass their own checks', () => {
  expect(settingsSchema.safeParse(DEFAULTS).error).toBeUndefined();
});

describe('wds.config.example.yaml', () => {
  const read = (): Promise<string> => readFile(join(root, 'wds.config.example.yaml'), 'utf8');

  test('is right as it stands', async () => {
    expect(yamlLayer(await read(), 'example').faults).toEqual([]);
  });

  test('is right with every commented setting switched on', async () => {
    const everything = (await read())
      .replaceAll(/^# ?(?=( *)[a-zA-Z]+:( |$))/gm, '')
      .replaceAll(/^( +)# (?=( *)[a-zA-Z]+:( |$))/gm, '$1');
    const value = parse(everything) as Record<string, unknown>;
    expect(Object.keys(value).sort()).toEqual([
      'api',
      'delivery',
      'endpoint',
      'home',
      'inbox',
      'intake',
      'logLevel',
      'monitoring',
      'notify',
      'parse',
      'reports',
      'store',
    ]);
    expect(checkLayer(value, () => undefined).faults).toEqual([]);
  });
});

test('the flags of the command line are those that the settings name', () => {
  const declared = new Map(listSettings().flatMap(({ key, meta }) => (meta.flag ? [[key, meta.flag] as const] : [])));
  declared.delete('inbox');
  const flags = [
    ...GLOBAL_SETTING_FLAGS,
    ...ENDPOINT_FLAGS,
    ...PARSE_FLAGS,
    ...ONCE_FLAGS,
    ...API_FLAGS,
    ...CARE_FLAGS,
    ...RESTRAINT_FLAGS,
  ];
  expect(new Map(flags.map(({ key, flags: text }) => [key, text]))).toEqual(declared);
  expect(() => flags.reduce((command, { flags: text }) => command.option(text), new Command())).not.toThrow();
});
