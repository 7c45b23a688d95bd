/** The settings of an endpoint: a part of the schema. */
import { z } from 'zod';
import { bodyTemplate, SLOTS_EXPECTED } from '../domain/body/template.ts';
import { RATE_EXPECTED, rateOf } from '../domain/endpoint.ts';
import { ENDPOINT_NAME_PATTERN } from '../domain/names.ts';
import { headerNameIsFree, urlFault } from './endpoint-url.ts';
import { atLeast, setting, text, whole } from './setting.ts';
import { allowAddresses, oauth2, proxy, tls, tracing } from './ways-schema.ts';

const oneOrTwo = z.union([text, z.array(text).min(1).max(2)]);
const headerValue = z.union([z.string(), z.strictObject({ env: text }), z.strictObject({ file: text })]);

function bodyFault(value: unknown): string | undefined {
  const template = bodyTemplate(value);
  return 'fault' in template ? template.fault : undefined;
}

function isRegularExpression(pattern: string): boolean {
  try {
    return new RegExp(pattern, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

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

const headerName = (about: string) =>
  setting(z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/), {
    expects: 'the name of a header',
    about,
    otherwise: 'the usual ones',
  });
const rateHeaders = z.strictObject({
  usage: headerName(
    'Header in which the endpoint writes how much of its quota is used, and of how many: `32/40` (such as X-Shopify-Shop-Api-Call-Limit).',
  ),
  limit: headerName('Header with the quota, where the endpoint has a name of its own for it.'),
  remaining: headerName('Header with what is left of it.'),
  reset: headerName(
    'Header with when it is renewed: seconds from now, a duration such as `6m0s`, or a time since 1970.',
  ),
});

export const endpointName = z.string().regex(ENDPOINT_NAME_PATTERN);
export const NAME_EXPECTED = '1 to 63 letters, digits, "-" or "_", beginning with a letter or digit';

export const endpoint = z.strictObject({
  name: setting(endpointName, {
    expects: NAME_EXPECTED,
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
  rate: setting(z.union([atLeast(0.001, 1_000_000), z.string().refine((value) => rateOf(value) !== undefined)]), {
    expects: RATE_EXPECTED,
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
  shape: setting(z.enum(['even', 'burst']), {
    expects: 'even or burst',
    about:
      'How a limit with a window (600 a minute) is used: spread evenly over it, or at once, as soon as the window has room. Of the rate, a window is what it is stated for: `600/min`, `100/10s`.',
    env: 'WDS_SHAPE',
    flag: '--shape <shape>',
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
  rateHeaders: rateHeaders.exactOptional(),
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
  body: setting(
    z
      .union([z.string(), z.record(z.string(), z.json()), z.array(z.json())])
      .refine((value) => bodyFault(value) === undefined, { error: ({ input }) => bodyFault(input) }),
    {
      expects: `JSON, as text or as values, with ${SLOTS_EXPECTED} within its texts`,
      about:
        "What each request holds, for example `{ to: '{{userId}}', text: 'Dear {{column \"name\"}}: {{alertMessage}}' }`. What is put in is escaped.",
      otherwise: '`{"userId":"…","alertMessage":"…"}`',
    },
  ),
  contentType: setting(z.string().regex(/^[\w.+-]+\/[\w.+-]+(?:;\s*[\w-]+=[\w".-]+)*$/), {
    expects: 'a media type such as application/json or application/vnd.api+json',
    about: 'The `Content-Type` of each request.',
    otherwise: '`application/json`',
  }),
  proxy,
  tls: tls.exactOptional(),
  oauth2: oauth2.exactOptional(),
  allowAddresses,
  tracing: tracing.exactOptional(),
  maxRetryAfterSeconds: setting(atLeast(1, 604_800), {
    expects: 'seconds from 1 to 604800',
    about: 'Longest pause that a `Retry-After`, or the reset of a rate header, is believed for.',
  }),
  retry: retry.exactOptional(),
});

/** One of several: its name is its key. */
export const namedEndpoint = endpoint.omit({ name: true });
