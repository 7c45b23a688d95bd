/**
 * Third layer: the settings as the rest of wds uses them. Compiled once, deeply frozen, in the units of the code (milliseconds, bytes);
 * nothing else reads files or the environment for settings.
 */
import type { DeliveryOptions } from '../domain/contracts.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import { DEFAULT_RETRY_POLICY, defaultBatchSize, defaultChunkSize, isFast, quickest } from '../domain/endpoint.ts';
import type { NoticeType } from '../domain/notices/notice.ts';
import type { ParseOptions } from '../domain/parse-options.ts';
import type { Schedule } from '../domain/restraint/schedule.ts';
import { DEFAULTS } from './defaults.ts';
import { endpointNameOf } from './endpoint-url.ts';
import { s3Url } from './s3-location.ts';
import type { LogLevel } from './schema.ts';
import type { DeploymentVersion } from './versioning-schema.ts';

/** Flags about the Temporal service. The environment and the TOML profile are read by @temporalio/envconfig, below these. */
export interface TemporalFlags {
  readonly address?: string;
  readonly namespace?: string;
  readonly profile?: string;
}

/** What the operator stated about delivering; the rest follows from the endpoint. */
export interface StatedDelivery {
  /** The store lies in one. */
  readonly inBucket: boolean;
  readonly once: 'file' | 'message';
  readonly onceDays: number;
  readonly batchSize?: number;
  readonly parallelChunks?: number;
  readonly maxStubborn: number;
  readonly maxHistoryEvents: number;
  /** `parse.maxInvalid`, from 0 to 1. */
  readonly maxInvalid: number;
  /** Absolute: of the files that are submitted. */
  readonly suppressFile?: string;
  readonly schedule?: Schedule | undefined;
  readonly first?: number | undefined;
  /** From 0 to 1. */
  readonly stopAtFailures?: number | undefined;
}

/** The form of reports. */
export interface ReportForm {
  /** Whether each CSV begins with one. */
  readonly byteOrderMark: boolean;
}

/** What is kept of a file beside its receipts: as it was dropped, as it was staged, its rows as they are sent, its reports. */
export const PARTS = ['original', 'content', 'chunks', 'reports'] as const;
export type Part = (typeof PARTS)[number];

/** For how long the parts of a file are kept; a part that is absent is kept for ever. */
export type RetainMs = Readonly<Partial<Record<Part, number>>>;

/** A bucket, and how its service is reached; what is not stated is left to the AWS SDK. */
export interface S3Settings {
  readonly bucket: string;
  /** Without slashes at its ends; '': the whole bucket. */
  readonly prefix: string;
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  readonly pathStyle: boolean;
}

/** Of the HTTP API. */
export interface ApiSettings {
  readonly host: string;
  /** undefined: not stated. */
  readonly port: number | undefined;
  /** Where the bearer token comes from; it is read when the API is started. undefined: none is configured. */
  readonly token:
    | { readonly file: string }
    | { readonly variable: string; readonly value: string | undefined }
    | undefined;
  readonly maxUploadBytes: number;
  readonly maxRequestsPerSecond: number;
  readonly gatherMs: number;
}

/** Where a process without an HTTP API is looked at by machines. */
export interface MonitoringSettings {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

/** A drop folder, or a prefix of a bucket. */
export interface InboxSettings {
  /** Absolute. With a bucket: where what comes by the API waits on this host. */
  readonly folder: string;
  /** undefined: it is the folder. */
  readonly bucket?: S3Settings;
  /** Names of the endpoints that its files are delivered to, each to all of them; none: of several it is not said which. */
  readonly endpoints: readonly string[];
}

/** For people: absolute path, or `s3://bucket/prefix`. */
export const inboxPlace = ({ folder, bucket }: Pick<InboxSettings, 'folder' | 'bucket'>): string =>
  bucket === undefined ? folder : s3Url(bucket);

/** Who is told of what by itself. */
export interface NotifySettings {
  /** undefined: nothing is posted. */
  readonly url: string | undefined;
  /** Newest first; empty: unsigned. */
  readonly secrets: readonly string[];
  /** Where they are from files: these, and how they are read again. Rejects with what is wrong, without a secret. */
  readonly secretFiles?: { readonly paths: readonly string[]; readonly read: () => Promise<readonly string[]> };
  /** A program and its arguments; undefined: none is run. */
  readonly command: readonly string[] | undefined;
  readonly events: readonly NoticeType[];
  readonly timeoutMs: number;
}

export interface Settings {
  /** Absolute. */
  readonly home: string;
  /** The bucket that the store lies in; undefined: it is in the home. */
  readonly store: S3Settings | undefined;
  /** For people; the first one of several. */
  readonly inbox: string;
  /** Those for the endpoint that is meant. Empty: there is none for it. */
  readonly inboxes: readonly InboxSettings[];
  /** How the watcher learns of files between two scans. */
  readonly watch: 'auto' | 'events' | 'poll';
  readonly settleMs: number;
  /** Settle time where writers cannot be seen. */
  readonly blindSettleMs: number;
  readonly scanIntervalMs: number;
  /** What must lie beside a dropped file for it to be taken. */
  readonly sidecar: 'off' | 'done' | 'sha256';
  /** Whether each dropped file that ends leaves a result in the inbox. */
  readonly results: boolean;
  /** Gzip that expands to more is refused. */
  readonly maxExpandedBytes: number;
  /** Larger files are refused, and not read. */
  readonly maxFileBytes: number;
  /** Kept free on the disk of the store; undefined: what suits the disk. 0: nothing, as with a bucket, which has no end. */
  readonly minFreeBytes: number | undefined;
  readonly parse: Omit<ParseOptions, 'format'>;
  /** The one that is meant: the only one, or that of `--endpoint`. undefined: there are several, or none; `up` then uses the bundled receiver. */
  readonly endpoint: Endpoint | undefined;
  /** All that are configured. */
  readonly endpoints: readonly Endpoint[];
  readonly delivery: DeliveryOptions;
  readonly statedDelivery: StatedDelivery;
  /** Absolute: for all that is sent. What a flag says is for the files of its command alone. */
  readonly suppressFile: string | undefined;
  readonly reports: ReportForm;
  readonly retainMs: RetainMs;
  /** Bits that no file or folder gets that wds makes. */
  readonly umask: number;
  readonly api: ApiSettings;
  /** undefined: nobody is. */
  readonly notify: NotifySettings | undefined;
  readonly monitoring: MonitoringSettings;
  /** undefined: files workers are not versioned. */
  readonly deploymentVersion: DeploymentVersion | undefined;
  readonly temporal: TemporalFlags;
  readonly logLevel: LogLevel;
  /** More than the request timeout: what is open when a worker is told to stop can end. */
  readonly shutdownGraceMs: number;
}

export const DEFAULT_TIMEOUT_MS = DEFAULTS.endpoint.timeoutSeconds * 1_000;

export const DAY_MS = 24 * 3_600_000;

/** How files are delivered to an endpoint, as far as the operator did not state it. */
export function deliveryTo(endpoint: Endpoint | undefined, stated: StatedDelivery): DeliveryOptions {
  const rate = endpoint?.rate ?? 'auto';
  const quick = endpoint === undefined ? rate : quickest(endpoint);
  return {
    batchSize: stated.batchSize ?? defaultBatchSize(quick, stated.inBucket),
    parallelChunks: stated.parallelChunks ?? (isFast(rate) ? 16 : 4),
    ...(endpoint === undefined ? {} : { ambiguous: endpoint.ambiguous }),
    ...(stated.once === 'file' ? {} : { once: { withinMs: Math.round(stated.onceDays * DAY_MS) } }),
    maxStubborn: stated.maxStubborn,
    maxHistoryEvents: stated.maxHistoryEvents,
    maxInvalid: stated.maxInvalid,
    ...(stated.suppressFile === undefined ? {} : { suppressFile: stated.suppressFile }),
    ...(stated.schedule === undefined ? {} : { schedule: stated.schedule }),
    ...(stated.first === undefined ? {} : { first: stated.first }),
    ...(stated.stopAtFailures === undefined ? {} : { stopAtFailures: stated.stopAtFailures }),
  };
}

/** How files are read for an endpoint. */
export const parseFor = (
  endpoint: Endpoint | undefined,
  parse: Omit<ParseOptions, 'format'>,
  { inBucket }: Pick<StatedDelivery, 'inBucket'>,
): Omit<ParseOptions, 'format'> => {
  const { columns: _others, ...common } = parse;
  const chunkSize = defaultChunkSize(endpoint === undefined ? 'auto' : quickest(endpoint), inBucket);
  return { ...common, chunkSize, ...columnsFor(endpoint === undefined ? [] : [endpoint]) };
};

/** The columns that any of the endpoints needs. */
export function columnsFor(endpoints: readonly Pick<Endpoint, 'body'>[]): Pick<ParseOptions, 'columns'> {
  const columns = [...new Set(endpoints.flatMap(({ body }) => body?.columns ?? []))].sort();
  return columns.length === 0 ? {} : { columns };
}

/** The settings with this endpoint as the only one. */
export function withEndpoint(settings: Settings, endpoint: Endpoint): Settings {
  const inboxes = settings.inboxes.map((inbox) => ({ ...inbox, endpoints: [endpoint.name] }));
  const delivery = deliveryTo(endpoint, settings.statedDelivery);
  return deepFreeze({ ...settings, endpoint, endpoints: [endpoint], inboxes, delivery });
}

/** Open requests per process where none are stated. */
export const defaultMaxConnections = (rate: Endpoint['rate']): number =>
  typeof rate === 'number' ? Math.min(512, Math.max(64, Math.ceil(rate / 4))) : 64;

/** An endpoint that nobody configured, e.g. the bundled receiver: everything but its URL and what is given has its default. */
export function defaultEndpoint(url: string, given: Partial<Endpoint> = {}): Endpoint {
  const { burst, ambiguous, maximumUnanswered, idempotencyKey, maxRetryAfterSeconds } = DEFAULTS.endpoint;
  const rate = given.rate ?? 'auto';
  return deepFreeze({
    name: endpointNameOf(url),
    url: new URL(url).href,
    rate,
    burst,
    ambiguous,
    maximumUnanswered,
    idempotencyKey,
    timeoutMs: DEFAULT_TIMEOUT_MS,
    maxConnections: defaultMaxConnections(rate),
    secrets: [],
    headers: {},
    maxRetryAfterMs: maxRetryAfterSeconds * 1_000,
    retry: DEFAULT_RETRY_POLICY,
    ...given,
  });
}

export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
