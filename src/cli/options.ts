/**
 * The flags, declared once. Those that are settings only name the setting: their values go to src/config unread, so that all faults are told at
 * once. (Kept apart from the schema so that `wds --help` need not load it; a test compares the two.)
 */
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import type { FlagValues } from '../config/sources.ts';
import type { OutputFormat } from './output.ts';

interface SettingFlag {
  readonly flags: string;
  readonly about: string;
  /** Key path of the setting. */
  readonly key: string;
}

export const GLOBAL_SETTING_FLAGS: readonly SettingFlag[] = [
  { flags: '--home <dir>', about: 'folder of all state (default: ./.wds)', key: 'home' },
  {
    flags: '--store <s3-url>',
    about: 'bucket of all state: s3://bucket/prefix (default: in home)',
    key: 'store.location',
  },
  { flags: '--log-level <level>', about: 'fatal, error, warn, info, debug, trace or silent', key: 'logLevel' },
];

export const ENDPOINT_FLAGS: readonly SettingFlag[] = [
  { flags: '--url <url>', about: 'where each alert is sent', key: 'endpoint.url' },
  {
    flags: '--rate <rate>',
    about: 'requests a second (100, 100/s, 6000/min), auto, or unlimited',
    key: 'endpoint.rate',
  },
  { flags: '--burst <count>', about: 'requests that it takes at once beyond the rate', key: 'endpoint.burst' },
  { flags: '--shape <shape>', about: 'use a limit with a window evenly, or at once: burst', key: 'endpoint.shape' },
  {
    flags: '--ambiguous <policy>',
    about: 'when an answer is lost: resend, or hold for your decision',
    key: 'endpoint.ambiguous',
  },
];

export const PARSE_FLAGS: readonly SettingFlag[] = [
  { flags: '--no-header', about: 'CSV without a header line: user, message', key: 'parse.header' },
  { flags: '--user-column <name>', about: 'column that holds the user', key: 'parse.userIdColumn' },
  { flags: '--message-column <name>', about: 'column that holds the message', key: 'parse.alertMessageColumn' },
  { flags: '--separator <char>', about: 'between CSV fields: comma, semicolon, tab or pipe', key: 'parse.separator' },
  { flags: '--encoding <name>', about: 'of the text, such as windows-1252', key: 'parse.encoding' },
  { flags: '--max-invalid <share>', about: 'more invalid rows than this refuse a file (20%)', key: 'parse.maxInvalid' },
];

export const ONCE_FLAGS: readonly SettingFlag[] = [
  {
    flags: '--once <what>',
    about: 'file, or message: no user gets a message twice, from whatever files',
    key: 'delivery.once',
  },
  { flags: '--once-days <days>', about: 'with --once message: for how long', key: 'delivery.onceDays' },
];

export const API_FLAGS: readonly SettingFlag[] = [
  { flags: '--api-host <address>', about: 'where the HTTP API listens (127.0.0.1)', key: 'api.host' },
  { flags: '--api-port <port>', about: 'its port (8480); 0: any that is free', key: 'api.port' },
];

export const CARE_FLAGS: readonly SettingFlag[] = [
  { flags: '--first <count>', about: 'send so many, and the rest after wds approve', key: 'delivery.first' },
  {
    flags: '--stop-at-failures <share>',
    about: 'hold a file of which more than this share failed, such as 5%',
    key: 'delivery.stopAtFailures',
  },
];

/** Who is not to be alerted, and when nobody is. */
export const RESTRAINT_FLAGS: readonly SettingFlag[] = [
  {
    flags: '--suppress-file <file>',
    about: 'users who are not alerted, one a line',
    key: 'delivery.suppressFile',
  },
  { flags: '--not-before <time>', about: 'nothing is sent before; 2026-12-24T08:00+01:00', key: 'delivery.notBefore' },
  {
    flags: '--not-after <time>',
    about: 'what is not sent by then is undelivered',
    key: 'delivery.notAfter',
  },
  {
    flags: '--window <hours>',
    about: 'only then: 08:00-20:00 Europe/Berlin; always',
    key: 'delivery.window',
  },
];

const SETTING_FLAGS = [
  ...GLOBAL_SETTING_FLAGS,
  ...ENDPOINT_FLAGS,
  ...PARSE_FLAGS,
  ...ONCE_FLAGS,
  ...CARE_FLAGS,
  ...RESTRAINT_FLAGS,
  ...API_FLAGS,
];

/** How a file that was submitted is called, by every command that takes one. */
export const FILE_ARGUMENT = 'its name, path, SHA-256 (8 digits or more) or workflow ID';

export interface GlobalOptions {
  readonly config?: string;
  readonly output: OutputFormat;
  readonly color?: boolean;
  /** Of the commands that are about one endpoint. */
  readonly endpoint?: string;
  readonly temporalAddress?: string;
  readonly temporalNamespace?: string;
  readonly temporalProfile?: string;
}

export function addGlobalOptions(program: Command): void {
  addSettings(program, GLOBAL_SETTING_FLAGS);
  program
    .option('--config <file>', 'configuration file (default: wds.config.yaml, where there is one)')
    .addOption(
      new Option('-o, --output <format>', 'form of the data on stdout')
        .choices(['text', 'json', 'jsonl'])
        .default('text'),
    )
    .option('--color', 'colours, also where the output is no terminal')
    .option('--no-color', 'no colours')
    .option('--temporal-address <host:port>', 'Temporal service; TEMPORAL_ADDRESS stands in for it')
    .option('--temporal-namespace <name>', 'Temporal namespace')
    .option('--temporal-profile <name>', "profile of Temporal's TOML configuration");
}

export function addSettings(command: Command, flags: readonly SettingFlag[]): Command {
  for (const { flags: text, about } of flags) command.option(text, about);
  return command;
}

/** Where alerts go: by settings of an endpoint, or by the name of one that the configuration has. */
export function addEndpointFlags(command: Command): Command {
  return addEndpointChoice(addSettings(command, ENDPOINT_FLAGS));
}

export function addEndpointChoice(command: Command): Command {
  return command.option(
    '--endpoint <name>',
    'which one, where the configuration has several; WDS_ENDPOINT stands in for it',
  );
}

/** The settings among the flags that were given. */
export function flagValues(command: Command): FlagValues {
  const values: Record<string, FlagValues[string]> = {};
  const given = command.optsWithGlobals() as Record<string, string | boolean>;
  for (const { flags, key } of SETTING_FLAGS) {
    const attribute = new Option(flags).attributeName();
    const value = given[attribute];
    if (value === undefined || command.getOptionValueSourceWithGlobals(attribute) !== 'cli') continue;
    values[key] = { value, flag: flags.split(' ')[0] ?? flags };
  }
  return values;
}

/** Flags without which another command would not find what this one has worked on, by their attributes. */
const WHERE = /^(config|home|endpoint|url|rate|burst|shape|ambiguous|temporal.*)$/;

/** The flags of this command that the next one needs, too, as a shell takes them: ` --url http://127.0.0.1:8080/`; '' for none. */
export function flagsToRepeat(command: Command): string {
  let text = '';
  for (const { long, attribute, value } of flagsGiven(command)) {
    if (!WHERE.test(attribute) || typeof value !== 'string') continue;
    // What is printed ends in logs: a URL that may hold a token is left for the reader to fill in.
    text += ` ${long} ${attribute === 'url' && /[@?]/.test(value) ? 'URL' : shellWord(value)}`;
  }
  return text;
}

/** The command line of `other` with all flags that this command was given, too, and that it knows. */
export function lineFor(other: Command, command: Command): string[] {
  const known = new Set(optionsOf(other).map(({ long }) => long));
  const words = [other.name()];
  for (const { long, value } of flagsGiven(command)) {
    if (!known.has(long)) continue;
    words.push(typeof value === 'boolean' ? long : `${long}=${String(value)}`);
  }
  return words;
}

interface GivenFlag {
  readonly long: string;
  readonly attribute: string;
  readonly value: unknown;
}

function flagsGiven(command: Command): readonly GivenFlag[] {
  const values = command.optsWithGlobals() as Record<string, unknown>;
  return optionsOf(command).flatMap(({ long, attribute }) => {
    const value = values[attribute];
    const isGiven = command.getOptionValueSourceWithGlobals(attribute) === 'cli';
    // `--color` and `--no-color` are two flags of one attribute.
    return isGiven && (typeof value !== 'boolean' || value !== long.startsWith('--no-'))
      ? [{ long, attribute, value }]
      : [];
  });
}

/** All flags of a command, those that every command has first. */
export function optionsOf(
  command: Command,
): { readonly long: string; readonly attribute: string; readonly takesValue: boolean }[] {
  const inherited = command.parent === null ? [] : optionsOf(command.parent);
  const own = command.options.map((option) => ({
    long: option.long ?? '',
    attribute: option.attributeName(),
    takesValue: option.required || option.optional,
  }));
  return [...inherited, ...own];
}

/** As a shell takes it for one word. */
export const shellWord = (text: string): string =>
  /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

/** Parser of a number flag; commander turns the error into one that names the flag. */
export function numberFrom(minimum: number, maximum: number, whole: boolean): (text: string) => number {
  return (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (value >= minimum && value <= maximum && (!whole || Number.isInteger(value))) return value;
    throw new InvalidArgumentError(`Expected a ${whole ? 'whole ' : ''}number from ${minimum} to ${maximum}.`);
  };
}

/** `Examples:` at the end of a command's help. */
export function addExamples(command: Command, examples: readonly (readonly [string, string])[]): void {
  const lines = examples.map(([about, line]) => `  # ${about}\n  ${line}`);
  command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}
