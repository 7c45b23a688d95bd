/**
 * `npm start --url=…` without the `--`: npm keeps the flag for itself and hands it on as a variable, `npm_config_url`, and a script that did not
 * look there would start with other settings than were meant.
 */
import { shellWord } from './options.ts';

export interface FlagOfCommand {
  /** `--log-level`, `--no-header`. */
  readonly long: string;
  readonly takesValue: boolean;
}

/** npm's own settings that a flag of wds has the name of. */
const OF_NPM = ['--color', '--no-color'];

/** The command line that was meant; undefined: npm has kept no flag. `extra`: what it left of their values, `--url VALUE`. */
export function meantByNpm(
  env: Readonly<Record<string, string | undefined>>,
  flags: readonly FlagOfCommand[],
  extra: readonly string[],
): { readonly kept: readonly string[]; readonly command: string } | undefined {
  const script = env.npm_lifecycle_event;
  if (script === undefined || script === 'npx') return undefined;
  const kept = flags.flatMap(({ long, takesValue }) => {
    const value = OF_NPM.includes(long) ? undefined : env[variableOf(long)];
    // Of `--no-header` npm makes `header`, empty; of `--url VALUE` it makes `true`, and VALUE an argument.
    if (value === undefined || (value === '' && !long.startsWith('--no-'))) return [];
    return [{ long, value: takesValue ? value : undefined }];
  });
  if (kept.length === 0) return undefined;
  const separate = kept.filter(({ value }) => value === 'true');
  const words = kept.map(({ long, value }) => {
    if (value === undefined) return long;
    if (value !== 'true') return `${long}=${long === '--url' && /[@?]/.test(value) ? 'URL' : shellWord(value)}`;
    return `${long} ${separate.length === 1 && extra.length === 1 ? shellWord(extra[0]!) : 'VALUE'}`;
  });
  const run = script === 'start' ? 'npm start' : `npm run ${script}`;
  return { kept: kept.map(({ long }) => long), command: `${run} -- ${words.join(' ')}` };
}

const variableOf = (long: string): string => `npm_config_${long.replace(/^--(no-)?/, '').replaceAll('-', '_')}`;
