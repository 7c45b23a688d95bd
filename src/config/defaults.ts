/** Second layer: what is not stated gets its default. Defaults that depend on other settings are made in compile.ts. */
import { DEFAULT_RETRY_POLICY } from '../domain/endpoint.ts';
import { DEFAULT_PARSE_OPTIONS } from '../domain/parse-options.ts';
import type { EndpointOptions, SettingsOptions } from './schema.ts';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;

export const DEFAULTS = {
  home: '.wds',
  inbox: 'inbox',
  network: 'any',
  intake: {
    watch: 'auto',
    settleSeconds: 0.5,
    blindSettleSeconds: 10,
    scanIntervalSeconds: 5,
    sidecar: 'off',
    results: false,
    maxExpandedMiB: 8192,
    maxFileMiB: 16_384,
  },
  parse: {
    header: DEFAULT_PARSE_OPTIONS.header,
    userIdColumn: DEFAULT_PARSE_OPTIONS.userIdColumn,
    alertMessageColumn: DEFAULT_PARSE_OPTIONS.alertMessageColumn,
    maxInvalid: '20%',
    maxRecordBytes: DEFAULT_PARSE_OPTIONS.maxRecordBytes,
    maxUserIdLength: DEFAULT_PARSE_OPTIONS.maxUserIdLength,
  },
  endpoint: {
    burst: 0,
    shape: 'even',
    ambiguous: 'resend',
    maximumUnanswered: 3,
    timeoutSeconds: 15,
    idempotencyKey: 'quoted',
    maxRetryAfterSeconds: 3_600,
    retry: {
      initialSeconds: DEFAULT_RETRY_POLICY.initialIntervalMs / SECOND_MS,
      maximumSeconds: DEFAULT_RETRY_POLICY.maximumIntervalMs / SECOND_MS,
      maximumAttempts: DEFAULT_RETRY_POLICY.maximumAttempts,
      giveUpAfterHours: DEFAULT_RETRY_POLICY.giveUpAfterMs / HOUR_MS,
    },
  },
  delivery: {
    once: 'file',
    onceDays: 30,
    maxStubborn: 100,
    maxHistoryEvents: 8_000,
  },
  reports: {
    byteOrderMark: false,
  },
  store: {
    groupAccess: 'none',
  },
  api: {
    host: '127.0.0.1',
    maxUploadMiB: 8192,
    maxRequestsPerSecond: 10_000,
    gatherSeconds: 0.5,
  },
  notify: {
    timeoutSeconds: 15,
  },
  monitoring: {
    host: '127.0.0.1',
    port: 8481,
  },
} as const satisfies SettingsOptions;

type Widened<T> = T extends number
  ? number
  : T extends boolean
    ? boolean
    : T extends string
      ? string
      : { [K in keyof T]: Widened<T[K]> };
type Complete<Stated, Default> = Omit<Stated, keyof Default> & Required<Pick<Stated, keyof Default & keyof Stated>>;

export type EndpointWithDefaults = Omit<Complete<EndpointOptions, typeof DEFAULTS.endpoint>, 'retry'> & {
  retry: Widened<typeof DEFAULTS.endpoint.retry>;
};
type DeliveryOptions = NonNullable<SettingsOptions['delivery']>;

export interface SettingsWithDefaults
  extends Pick<SettingsOptions, 'logLevel' | 'shutdownGraceSeconds' | 'inboxes' | 's3' | 'versioning'> {
  readonly home: string;
  readonly network: 'any' | 'public';
  /** undefined: it has none, but `inboxes`. */
  readonly inbox: string | undefined;
  readonly intake: Complete<NonNullable<SettingsOptions['intake']>, typeof DEFAULTS.intake>;
  readonly parse: Complete<NonNullable<SettingsOptions['parse']>, typeof DEFAULTS.parse>;
  readonly endpoint: EndpointWithDefaults | undefined;
  readonly endpoints: Readonly<Record<string, EndpointWithDefaults>> | undefined;
  readonly delivery: Complete<DeliveryOptions, typeof DEFAULTS.delivery>;
  readonly reports: Widened<typeof DEFAULTS.reports>;
  readonly store: Complete<NonNullable<SettingsOptions['store']>, typeof DEFAULTS.store>;
  readonly api: Complete<NonNullable<SettingsOptions['api']>, typeof DEFAULTS.api>;
  readonly notify: Complete<NonNullable<SettingsOptions['notify']>, typeof DEFAULTS.notify>;
  readonly monitoring: Widened<typeof DEFAULTS.monitoring>;
}

const endpointWithDefaults = (options: EndpointOptions): EndpointWithDefaults => ({
  ...DEFAULTS.endpoint,
  ...options,
  retry: { ...DEFAULTS.endpoint.retry, ...options.retry },
});

const allWithDefaults = (endpoints: NonNullable<SettingsOptions['endpoints']>) =>
  Object.fromEntries(Object.entries(endpoints).map(([name, one]) => [name, endpointWithDefaults({ ...one, name })]));

/** `endpoint` and `endpoints` stay undefined where nothing about any is stated. */
export function withDefaults(options: SettingsOptions): SettingsWithDefaults {
  return {
    ...options,
    home: options.home ?? DEFAULTS.home,
    network: options.network ?? DEFAULTS.network,
    inbox: options.inbox ?? (options.inboxes === undefined ? DEFAULTS.inbox : undefined),
    intake: { ...DEFAULTS.intake, ...options.intake },
    parse: { ...DEFAULTS.parse, ...options.parse },
    endpoint: options.endpoint === undefined ? undefined : endpointWithDefaults(options.endpoint),
    endpoints: options.endpoints === undefined ? undefined : allWithDefaults(options.endpoints),
    delivery: { ...DEFAULTS.delivery, ...options.delivery },
    reports: { ...DEFAULTS.reports, ...options.reports },
    store: { ...DEFAULTS.store, ...options.store },
    api: { ...DEFAULTS.api, ...options.api },
    notify: { ...DEFAULTS.notify, ...options.notify },
    monitoring: { ...DEFAULTS.monitoring, ...options.monitoring },
  };
}
