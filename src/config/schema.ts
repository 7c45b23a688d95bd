/**
 * Every setting of wds.config.yaml, once: its shape, what a fault says is expected, its words in the reference, and the environment
 * variable and flag that set it too. Keys are strict: a misspelt one is a fault, never silence. Defaults are in defaults.ts.
 */
import { z } from 'zod';
import { api } from './api-schema.ts';
import { endpoint, endpointName, namedEndpoint } from './endpoint-schema.ts';
import { notify } from './notify-schema.ts';
import { parse, share } from './parse-schema.ts';
import { restraints } from './restraint-schema.ts';
import { atLeast, setting, text, whole } from './setting.ts';
import { s3, store } from './store-schema.ts';
import { versioning } from './versioning-schema.ts';

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const SIDECARS = ['off', 'done', 'sha256'] as const;

const WATCH_KINDS = ['auto', 'events', 'poll'] as const;

const intake = z.strictObject({
  watch: setting(z.enum(WATCH_KINDS), {
    expects: 'auto, events or poll',
    about:
      'How the watcher learns of files between two scans: `events` of the operating system; `poll`: a look at the folder each second; `auto`: polling on network mounts, which send no events, and events elsewhere.',
    env: 'WDS_WATCH',
  }),
  settleSeconds: setting(atLeast(0, 3600), {
    expects: 'seconds from 0 to 3600',
    about: 'A file is complete when it has not changed for this long and nobody is seen writing it.',
  }),
  blindSettleSeconds: setting(atLeast(0, 3600), {
    expects: 'seconds from 0 to 3600',
    about: 'The same where writers cannot be seen: network mounts, other containers, other systems than Linux.',
  }),
  scanIntervalSeconds: setting(atLeast(0.1, 3600), {
    expects: 'seconds from 0.1 to 3600',
    about:
      'How often the inbox is read in full, whatever events came or did not. In a bucket each time is a request (two with `urgent/`).',
  }),
  sidecar: setting(z.enum(SIDECARS), {
    expects: SIDECARS.join(', ').replace(/, (\w+)$/, ' or $1'),
    about:
      'Whether a file needs a second one beside it to be taken: `done`: `a.csv.done`, made when `a.csv` is whole; `sha256`: `a.csv.sha256`, which names its SHA-256.',
  }),
  results: setting(z.boolean(), {
    expects: 'true or false',
    about:
      'Whether each dropped file that ends leaves `results/NAME.json` in the inbox, with its counts, or why it was refused.',
  }),
  maxExpandedMiB: setting(whole(1, 1_048_576), {
    expects: 'a whole number from 1 to 1048576',
    about: 'A gzip file that expands to more MiB than this is refused.',
  }),
  maxFileMiB: setting(whole(1, 1_073_741_824), {
    expects: 'a whole number from 1 to 1073741824',
    about: 'A file of more MiB than this is refused and not read: a sparse one may seem to hold more than any disk.',
    env: 'WDS_MAX_FILE_MIB',
  }),
  minFreeMiB: setting(whole(0, 1_073_741_824), {
    expects: 'a whole number from 0 to 1073741824',
    about:
      'So many MiB of the disk of the store are kept free: below that no file is taken in, until there is room again. Sending goes on. 0 switches it off.',
    otherwise: 'a twentieth of the disk, at most 1024',
    env: 'WDS_MIN_FREE_MIB',
  }),
});

const delivery = z.strictObject({
  once: setting(z.enum(['file', 'message']), {
    expects: 'file or message',
    about:
      'What is delivered once: `file`, each file to an endpoint; `message`, each message to a user, whichever of the files of an endpoint says it.',
    env: 'WDS_ONCE',
    flag: '--once <what>',
  }),
  onceDays: setting(atLeast(0.0001, 3650), {
    expects: 'days from 0.0001 to 3650',
    about: 'With `once: message`: how long a message that was delivered is not sent to the same user again.',
    flag: '--once-days <days>',
  }),
  first: setting(whole(1, 1_000_000), {
    expects: 'a whole number from 1 to 1000000',
    about: 'So many alerts of a file are sent; the rest waits for `wds approve FILE`, or `wds cancel FILE`.',
    otherwise: 'all are sent',
    flag: '--first <count>',
  }),
  stopAtFailures: setting(share, {
    expects: 'a share such as 5% or 0.05',
    about:
      'A file of which more than this share was not delivered is held until `wds approve FILE` or `wds cancel FILE`. It is looked at when 100 alerts have ended (the rest is begun after these), and whenever a batch has.',
    otherwise: 'whatever fails, the rest is sent',
    flag: '--stop-at-failures <share>',
  }),
  ...restraints,
  batchSize: setting(whole(1, 5000), {
    expects: 'a whole number from 1 to 5000',
    about: 'Alerts that one SendAlerts activity sends.',
    otherwise: 'one second of the rate, from 1 to 1000; 5000 for an unlimited rate',
  }),
  parallelChunks: setting(whole(1, 64), {
    expects: 'a whole number from 1 to 64',
    about: 'Chunks of a file that are sent side by side.',
    otherwise: '16 for a rate of 1000 or more, or an unlimited one, else 4',
  }),
  maxStubborn: setting(whole(1, 1000), {
    expects: 'a whole number from 1 to 1000',
    about: 'Alerts of a file that may be retried one by one at the same time; beyond that new batches wait.',
  }),
  maxHistoryEvents: setting(whole(100, 40_000), {
    expects: 'a whole number from 100 to 40000',
    about: "A file's workflow continues as new when its history has this many events.",
  }),
});

const reports = z.strictObject({
  byteOrderMark: setting(z.boolean(), {
    expects: 'true or false',
    about: 'Whether each CSV report begins with a byte order mark, by which spreadsheets know it for UTF-8.',
    env: 'WDS_REPORTS_BYTE_ORDER_MARK',
  }),
});

const monitoring = z.strictObject({
  host: setting(z.string().trim().min(1).max(255), {
    expects: 'an address of this machine, such as 127.0.0.1 or 0.0.0.0',
    about:
      'Where processes without an HTTP API (`wds worker`, `wds watch`) serve `/livez`, `/readyz` and `/metrics`; no token is asked for. `wds api` and `wds up` serve them at the address of the API.',
    env: 'WDS_MONITORING_HOST',
  }),
  port: setting(whole(0, 65_535), {
    expects: 'a whole number from 0 to 65535',
    about: 'Its port; where that is taken, the next free one, and the log says which. 0: any that is free.',
    env: 'WDS_MONITORING_PORT',
  }),
});

export const settingsSchema = z.strictObject({
  home: setting(text, {
    expects: 'the path of a folder',
    about: 'Folder of all state: staged files, receipts, reports, the embedded Temporal server.',
    env: 'WDS_HOME',
    flag: '--home <dir>',
    path: true,
  }),
  store: store.exactOptional(),
  s3: s3.exactOptional(),
  inbox: setting(text, {
    expects: 'the path of a folder other than home, or s3://bucket/prefix',
    about: 'The watched drop folder, or [the prefix of a bucket](s3.md#an-inbox-in-a-bucket).',
    env: 'WDS_INBOX',
    flag: 'watch [dir]',
    path: true,
  }),
  inboxes: setting(z.record(text, z.union([endpointName, z.array(endpointName).min(1).max(100)])), {
    expects: 'folders, each with the name of an endpoint, or a list of names',
    about:
      'Several drop folders (or prefixes of buckets), each with the endpoints that its files are delivered to: `{ drops/crm: crm, drops/all: [crm, sms] }`. Instead of `inbox`.',
    otherwise: '`inbox` alone, for the only endpoint',
  }),
  logLevel: setting(z.enum(LOG_LEVELS), {
    expects: `one of ${LOG_LEVELS.join(', ')}`,
    about: 'Least severe log lines that are written.',
    otherwise: '`info`; `warn` for commands that end by themselves',
    env: 'WDS_LOG_LEVEL',
    flag: '--log-level <level>',
  }),
  network: setting(z.enum(['any', 'public']), {
    expects: 'any or public',
    about:
      'Where endpoints may be. `public`: nowhere in private networks, looked at each time that a connection is made. Link-local addresses and those of cloud metadata services are refused in either case.',
    env: 'WDS_NETWORK',
  }),
  shutdownGraceSeconds: setting(atLeast(1, 3600), {
    expects: 'seconds from 1 to 3600, more than endpoint.timeoutSeconds',
    about: 'How long a worker that is told to stop may finish open requests.',
    otherwise: 'endpoint.timeoutSeconds + 5',
  }),
  intake: intake.exactOptional(),
  parse: parse.exactOptional(),
  endpoint: endpoint.exactOptional(),
  endpoints: z.record(endpointName, namedEndpoint).exactOptional(),
  delivery: delivery.exactOptional(),
  reports: reports.exactOptional(),
  api: api.exactOptional(),
  notify: notify.exactOptional(),
  monitoring: monitoring.exactOptional(),
  versioning: versioning.exactOptional(),
});

/** First layer: what was stated, by whatever source. Everything may be absent. */
export type SettingsOptions = z.output<typeof settingsSchema>;
export type EndpointOptions = NonNullable<SettingsOptions['endpoint']>;
export type NamedEndpointOptions = NonNullable<SettingsOptions['endpoints']>[string];
