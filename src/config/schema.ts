/**
 * Every setting of wds.config.yaml, once: its shape, what a fault says is expected, its words in the reference, and the environment
 * variable and flag that set it too. Keys are strict: a misspelt one is a fault, never silence. Defaults are in defaults.ts.
 */
import { z } from 'zod';
import { ENDPOINT_NAME_PATTERN } from '../domain/names.ts';
import { headerNameIsFree, urlFault } from './endpoint-url.ts';
import { encodingOf, percentOf, separatorOf } from './parse-values.ts';
import { atLeast, setting, whole } from './setting.ts';

const text = z.string().min(1).max(4096);
const column = z.string().trim().min(1).max(200);
const oneOrTwo = z.union([text, z.array(text).min(1).max(2)]);
const headerValue = z.union([z.string(), z.strictObject({ env: text }), z.strictObject({ file: text })]);

function isRegularExpression(pattern: string): boolean {
  try {
    return new RegExp(pattern, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const retry = z.strictObject({
  initialSeconds: setting(atLeast(0.01, 3600), {
    expects: 'seconds from 0.01 to 3600',
    about: 'Pause after the first failed attempt of an alert; it doubles from there.',
  }),
  maximumSeconds: setting(atLeast(0.01, 86_400), {
    expects: 'seconds from 0.01 to 86400, at least retry.initialSeconds',
    about: 'Longest pause between two attempts of an alert.',
  }),
  maximumAttempts: setting(whole(1, 1000), {
    expects: 'a whole number from 1 to 1000',
    about: 'Attempts of one alert, the first one included. Answers of 429 are not attempts.',
  }),
  giveUpAfterHours: setting(atLeast(0.001, 8760), {
    expects: 'hours from 0.001 to 8760',
    about: 'From the first failure of an alert, or of a dead endpoint, until it counts as undelivered.',
  }),
});

const status = whole(200, 599);
const success = z.strictObject({
  status: setting(z.union([status, z.array(status).min(1).max(50)]), {
    expects: 'a status from 200 to 599, or a list of them',
    about: 'Statuses that mean delivered. A 2xx that is not among them is a passing failure.',
    otherwise: 'any 2xx',
  }),
  bodyMatches: setting(text.refine(isRegularExpression), {
    expects: 'a regular expression of JavaScript (flag u)',
    about:
      'What the first 4 KiB of a body must match, besides the status, to mean delivered; a page of somebody in between is then a passing failure.',
    otherwise: 'any body',
  }),
});

const endpoint = z.strictObject({
  name: setting(z.string().regex(ENDPOINT_NAME_PATTERN), {
    expects: '1 to 63 letters, digits, "-" or "_", beginning with a letter or digit',
    about: 'Name of the endpoint in workflow IDs, task queues and reports. Another name is another delivery.',
    otherwise: 'host, port and a short hash of the URL',
  }),
  url: setting(
    z.string().refine((value) => urlFault(value) === undefined),
    {
      expects: 'an http or https URL without #fragment and without user:password@',
      about: 'Where each alert is sent.',
      otherwise: 'none; `wds up` then uses the bundled receiver',
      env: 'WDS_URL',
      flag: '--url <url>',
    },
  ),
  rate: setting(z.union([atLeast(0.001, 1_000_000), z.enum(['auto', 'unlimited'])]), {
    expects: 'requests a second from 0.001 to 1000000, or auto, or unlimited',
    about: 'Requests a second that the endpoint may be sent, all processes together; `auto` finds it out.',
    otherwise: '`auto`',
    env: 'WDS_RATE',
    flag: '--rate <rate>',
  }),
  burst: setting(whole(0, 1_000_000), {
    expects: 'a whole number from 0 to 1000000',
    about: "Requests that the endpoint takes at once beyond the rate (a token bucket's depth).",
    env: 'WDS_BURST',
    flag: '--burst <count>',
  }),
  ambiguous: setting(z.enum(['resend', 'hold']), {
    expects: 'resend or hold',
    about:
      'What to do with an alert that was sent and whose answer is unknown: send it again with the same ID, or hold it for your decision.',
    env: 'WDS_AMBIGUOUS',
    flag: '--ambiguous <policy>',
  }),
  maximumUnanswered: setting(whole(1, 100), {
    expects: 'a whole number from 1 to 100',
    about:
      'With `resend`: requests of one alert that may have reached the receiver without an answer, at most, over all retries. Then it is unconfirmed. With `hold` it is one.',
  }),
  probeUrl: setting(
    z.string().refine((value) => urlFault(value) === undefined),
    {
      expects: 'an http or https URL without #fragment and without user:password@',
      about:
        'Asked by GET whether an endpoint that seemed ill is well again (any 2xx). Without it the next alert is the question.',
      otherwise: 'none',
    },
  ),
  success: success.exactOptional(),
  timeoutSeconds: setting(atLeast(0.1, 600), {
    expects: 'seconds from 0.1 to 600',
    about: 'Total deadline of one request: connect, headers and body.',
  }),
  maxConnections: setting(whole(1, 4096), {
    expects: 'a whole number from 1 to 4096',
    about: 'Open requests per process, at most.',
    otherwise: '64; with a rate: rate ÷ 4, from 64 to 512',
  }),
  secretFile: setting(oneOrTwo, {
    expects: 'the path of a file, or a list of one or two',
    about:
      'File that holds the signing secret (`whsec_…`); two files, or two lines, while you rotate it, newest first.',
    otherwise: 'none; requests are not signed',
    env: 'WDS_SECRET_FILE',
    path: true,
  }),
  secretEnv: setting(oneOrTwo, {
    expects: 'the name of an environment variable, or a list of one or two',
    about: 'Environment variable that holds the signing secret. `WDS_SECRET` is read without being named here.',
    otherwise: '`WDS_SECRET`, where it is set',
  }),
  idempotencyKey: setting(z.enum(['quoted', 'bare', 'off']), {
    expects: 'quoted, bare or off',
    about: 'Form of the `Idempotency-Key` header.',
  }),
  headers: setting(z.record(z.string().refine(headerNameIsFree), headerValue), {
    expects:
      'names that wds does not set itself, each with a text, {env: VARIABLE} or {file: PATH} of printable Latin-1 characters',
    about: 'More request headers, for example `Authorization: { env: CRM_AUTHORIZATION }`.',
    otherwise: 'none',
    secret: true,
  }),
  maxRetryAfterSeconds: setting(atLeast(1, 604_800), {
    expects: 'seconds from 1 to 604800',
    about: 'Longest pause that a `Retry-After`, or the reset of a rate header, is believed for.',
  }),
  retry: retry.exactOptional(),
});

const intake = z.strictObject({
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
    about: 'How often the inbox is read in full, whatever events came or did not.',
  }),
  maxExpandedMiB: setting(whole(1, 1_048_576), {
    expects: 'a whole number from 1 to 1048576',
    about: 'A gzip file that expands to more MiB than this is refused.',
  }),
});

const parse = z.strictObject({
  header: setting(z.boolean(), {
    expects: 'true or false',
    about: 'CSV: whether the first line names the columns. Without: column 1 is the user, column 2 the message.',
    flag: '--no-header',
  }),
  userIdColumn: setting(column, {
    expects: 'a column name of up to 200 characters, other than parse.alertMessageColumn',
    about: 'Column (CSV) or member (JSON) that holds the user.',
    flag: '--user-column <name>',
  }),
  alertMessageColumn: setting(column, {
    expects: 'a column name of up to 200 characters',
    about: 'Column (CSV) or member (JSON) that holds the message.',
    flag: '--message-column <name>',
  }),
  separator: setting(
    z.string().refine((value) => separatorOf(value) !== undefined),
    {
      expects: 'comma, semicolon, tab or pipe, or the character itself',
      about: 'CSV: what stands between the fields.',
      otherwise: 'found from the header, or named by a first line `sep=;`; without a header a comma',
      flag: '--separator <char>',
    },
  ),
  encoding: setting(
    z.string().refine((value) => encodingOf(value) !== undefined),
    {
      expects: 'an encoding such as utf-8, windows-1252, iso-8859-1, utf-16le or shift_jis',
      about: 'What text is encoded in, where no byte order mark says it.',
      otherwise: 'UTF-8; UTF-16 with a byte order mark is known by that',
      flag: '--encoding <name>',
    },
  ),
  maxInvalid: setting(
    z.union([z.number().min(0).max(1), z.string().refine((value) => percentOf(value) !== undefined)]),
    {
      expects: 'a share such as 20% or 0.2',
      about:
        'A file with at least two invalid rows, and more of them than this share, is refused before anything is sent. `100%` switches that off; a file without a valid row is refused all the same.',
      flag: '--max-invalid <share>',
    },
  ),
  maxRecordBytes: setting(whole(64, 16_777_216), {
    expects: 'a whole number from 64 to 16777216',
    about: 'Longest record in bytes; a longer one is an invalid row.',
  }),
  maxUserIdLength: setting(whole(1, 65_536), {
    expects: 'a whole number from 1 to 65536',
    about: 'Longest userId in UTF-16 code units.',
  }),
});

const delivery = z.strictObject({
  batchSize: setting(whole(1, 5000), {
    expects: 'a whole number from 1 to 5000',
    about: 'Alerts that one SendAlerts activity sends.',
    otherwise: 'one second of the rate, from 1 to 1000; 5000 for an unlimited rate',
  }),
  parallelChunks: setting(whole(1, 64), {
    expects: 'a whole number from 1 to 64',
    about: 'Chunks of a file that are sent side by side.',
    otherwise: '8 for a rate of 1000 or more, or an unlimited one, else 4',
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

export const settingsSchema = z.strictObject({
  home: setting(text, {
    expects: 'the path of a folder',
    about: 'Folder of all state: staged files, receipts, reports, the embedded Temporal server.',
    env: 'WDS_HOME',
    flag: '--home <dir>',
    path: true,
  }),
  inbox: setting(text, {
    expects: 'the path of a folder other than home',
    about: 'The watched drop folder.',
    env: 'WDS_INBOX',
    flag: 'watch [dir]',
    path: true,
  }),
  logLevel: setting(z.enum(LOG_LEVELS), {
    expects: `one of ${LOG_LEVELS.join(', ')}`,
    about: 'Least severe log lines that are written.',
    otherwise: '`info`; `warn` for commands that end by themselves',
    env: 'WDS_LOG_LEVEL',
    flag: '--log-level <level>',
  }),
  shutdownGraceSeconds: setting(atLeast(1, 3600), {
    expects: 'seconds from 1 to 3600, more than endpoint.timeoutSeconds',
    about: 'How long a worker that is told to stop may finish open requests.',
    otherwise: 'endpoint.timeoutSeconds + 5',
  }),
  intake: intake.exactOptional(),
  parse: parse.exactOptional(),
  endpoint: endpoint.exactOptional(),
  delivery: delivery.exactOptional(),
  reports: reports.exactOptional(),
});

/** First layer: what was stated, by whatever source. Everything may be absent. */
export type SettingsOptions = z.output<typeof settingsSchema>;
export type EndpointOptions = NonNullable<SettingsOptions['endpoint']>;
