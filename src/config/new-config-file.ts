/** A first wds.config.yaml: the example with all its comments, in which nothing is stated but what was asked for. */
import { readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { stringify } from 'yaml';
import { isErrno } from '../thrown.ts';
import { packageFile } from '../version.ts';
import { endpointNameOf } from './endpoint-url.ts';
import { configFault } from './faults.ts';
import type { EndpointOptions } from './schema.ts';
import type { FlagValues } from './sources.ts';
import { flagLayer } from './sources.ts';

export type NewConfigFile = 'written' | 'exists' | 'denied';

/**
 * Writes it, with the settings of an endpoint that flags state. `exists`: there is such a file already, and it stays as it is. `denied`: this user may
 * not write there. Throws Fault `config` where a flag will not do; then nothing is written.
 */
export async function writeConfigFile(path: string, flags: FlagValues): Promise<NewConfigFile> {
  const { options, faults } = flagLayer(flags, dirname(path));
  if (faults.length > 0) throw configFault(faults);
  const example = await readFile(packageFile('wds.config.example.yaml'), 'utf8');
  try {
    await writeFile(path, configText(example, options.endpoint ?? {}), { flag: 'wx' });
    return 'written';
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return 'exists';
    if (isErrno(error, 'EACCES', 'EPERM', 'EROFS')) return 'denied';
    throw error;
  }
}

/** `example`: wds.config.example.yaml. */
export function configText(example: string, { url, rate, burst, shape, ambiguous }: EndpointOptions): string {
  // Said aloud, so that receipts stay with it when the URL changes.
  const name = url === undefined ? undefined : endpointNameOf(url);
  const stated: Readonly<Record<string, unknown>> = { name, url, rate, burst, shape, ambiguous };
  const [first = '', ...lines] = example.split('\n');
  const text = lines.map((line) => {
    const [, key = '', comment = ''] =
      /^ {2}(?:# )?(name|url|rate|burst|shape|ambiguous): [^#]*(#.*)?$/.exec(line) ?? [];
    const value = stated[key];
    if (key === '') return line;
    return value === undefined
      ? line.replace(/^ {2}(?:# )?/, '  # ')
      : `  ${key}: ${stringify(value).trim()} ${comment}`.trimEnd();
  });
  return [first.replace(/Copy this file to .* and change/, 'Change'), ...text].join('\n');
}
