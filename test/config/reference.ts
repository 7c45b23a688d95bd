/** docs/configuration.md, made from the schema and the defaults, so that it cannot drift: a test compares the file with this text. */
import { DEFAULTS } from '../../src/config/defaults.ts';
import type { SettingEntry } from '../../src/config/layer.ts';
import { listSettings } from '../../src/config/layer.ts';

const INTRODUCTION = `# Configuration

wds reads its settings from three sources, in rising order:

1. \`wds.config.yaml\` in the current folder, or the file named by \`--config\` or \`WDS_CONFIG\`;
2. environment variables (an empty one counts as not set). Each setting has one: its key in capitals, \`endpoint.retry.maximumSeconds\` as
   \`WDS_ENDPOINT_RETRY_MAXIMUM_SECONDS\`; a few have a short one, too (\`WDS_URL\` for \`endpoint.url\`), which counts before the long one. Lists and
   groups are written as in the file: \`WDS_ENDPOINT_SUCCESS_STATUS='[200, 202]'\`,
   \`WDS_ENDPOINT_HEADERS='{Authorization: {env: CRM_AUTHORIZATION}}'\`;
3. flags.

Without any, it works with the defaults below. All faults are told at once, each with its key, value and what was expected. Paths in the file are
relative to the file's folder; others to the current folder. \`wds.config.example.yaml\` is a file to start from.

[Several endpoints](endpoints.md) have their settings under \`endpoints.NAME\`: all of \`endpoint\` below, but for \`name\`. Flags and variables of \`endpoint\` then speak of the one that
\`--endpoint NAME\` (\`WDS_ENDPOINT\`) chooses.

All processes of one installation must be given the same \`home\` and endpoints. Within a Temporal namespace an endpoint's name belongs to the
first installation that uses it, and within a home names that differ only in case are refused: on some disks their receipts would be the
same files.

A URL given by \`--url\` or \`WDS_URL\` that is not the file's is another endpoint: the file's \`name\`, \`rate\`, \`burst\`, \`shape\`, \`maxConnections\`, secrets and
\`headers\` do not apply to it. A trial elsewhere is neither counted as a delivery to the real endpoint nor sent its credentials.
`;

const ENDING = `
## Secrets

Secrets come from a file or from the environment, never from a flag, and are never shown. A signing secret is \`whsec_\` and the base64 of 24
to 64 bytes ([Standard Webhooks](https://www.standardwebhooks.com)). \`WDS_SECRET\` holds one, or two separated by white space or a comma, newest first.
Variables and files replace the \`secretFile\` and \`secretEnv\` of a lower source.

## The Temporal service

It is set as for every Temporal program: \`--temporal-address\`, \`--temporal-namespace\` and \`--temporal-profile\`, then the variables
\`TEMPORAL_ADDRESS\`, \`TEMPORAL_NAMESPACE\`, \`TEMPORAL_API_KEY\`, \`TEMPORAL_TLS\` and its kin, \`TEMPORAL_PROFILE\`, then the TOML file of
\`TEMPORAL_CONFIG_FILE\`. With none of them wds runs a server of its own below \`home\`.
`;

const TITLES: Readonly<Record<string, string>> = {
  '': 'General',
  intake: 'intake: watching the inbox',
  parse: 'parse: from bytes to alerts',
  endpoint: 'endpoint: where the alerts go',
  'endpoint.retry': 'endpoint.retry: alerts that failed for a passing reason',
  delivery: 'delivery: how Temporal is used',
};

const groupOf = (key: string): string => key.split('.').slice(0, -1).join('.');
const cell = (text: string): string => text.replaceAll('|', '\\|');

/** The default in words; undefined: the setting has none (a test forbids it). */
export function defaultText({ key, meta }: SettingEntry): string | undefined {
  if (meta.otherwise !== undefined) return meta.otherwise;
  const value = key
    .split('.')
    .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], DEFAULTS);
  return value === undefined ? undefined : `\`${String(value)}\``;
}

function row(entry: SettingEntry): string {
  const { key, meta } = entry;
  const also = [entry.variables[0], meta.flag].filter((name) => name !== undefined).map((name) => `\`${name}\``);
  const cells = [`\`${key}\``, meta.about, meta.expects, defaultText(entry) ?? '', also.join(', ')];
  return `| ${cells.map(cell).join(' | ')} |`;
}

export function renderReference(): string {
  const settings = listSettings();
  const groups = [...new Set(settings.map(({ key }) => groupOf(key)))].sort((a, b) => order(a) - order(b));
  const sections = groups.map((group) => {
    const rows = settings.filter(({ key }) => groupOf(key) === group).map(row);
    const heading = `\n## ${TITLES[group] ?? group}\n`;
    return [heading, '| setting | what it is | value | default | also |', '|---|---|---|---|---|', ...rows].join('\n');
  });
  return `${INTRODUCTION}${sections.join('\n')}\n${ENDING}`;
}

const order = (group: string): number => Object.keys(TITLES).indexOf(group);
