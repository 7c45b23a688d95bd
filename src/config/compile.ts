/** From settings with defaults to the compiled Settings: units, paths, secrets, and the checks that concern several settings at once. */
import { resolve } from 'node:path';
import type { Endpoint } from '../domain/endpoint.ts';
import type { ParseOptions } from '../domain/parse-options.ts';
import { DEFAULT_PARSE_OPTIONS } from '../domain/parse-options.ts';
import type { Schedule } from '../domain/restraint/schedule.ts';
import { timeOf, windowOf } from '../domain/restraint/schedule-texts.ts';
import { DEFAULT_MAX_INVALID } from '../domain/rows/max-invalid.ts';
import { compileEndpoints } from './compile-endpoint.ts';
import { compileInboxes } from './compile-inboxes.ts';
import { compileNotify } from './compile-notify.ts';
import { checkS3, compileStore } from './compile-store.ts';
import type { SettingsWithDefaults } from './defaults.ts';
import type { ConfigFault } from './faults.ts';
import { wrongValue } from './faults.ts';
import { encodingOf, percentOf, separatorOf } from './parse-values.ts';
import type { LogLevel, SettingsOptions } from './schema.ts';
import type { ApiSettings, RetainMs, Settings, StatedDelivery, TemporalFlags } from './settings.ts';
import { DAY_MS, deepFreeze, deliveryTo, inboxPlace, PARTS, parseFor } from './settings.ts';
import type { Environment } from './sources.ts';
import { deploymentVersionOf } from './versioning-schema.ts';

export interface CompileContext {
  readonly env: Environment;
  /** Base of the default paths. */
  readonly cwd: string;
  /** Name of the endpoint that is meant, of several; undefined: all, or there are not several. */
  readonly meant: string | undefined;
  readonly temporal: TemporalFlags;
  /** What is stated by the file and the environment alone. */
  readonly configured: SettingsOptions;
  readonly defaultLogLevel: LogLevel;
  readonly collect: (fault: ConfigFault) => void;
}

const MIB = 1_048_576;
const UMASKS = { none: 0o077, read: 0o027, write: 0o007 } as const;

const seconds = (value: number): number => Math.round(value * 1_000);

/** UTF-8 is what is read without an encoding. */
function compileParse(
  { separator, encoding, maxInvalid: _share, ...stated }: SettingsWithDefaults['parse'],
  endpoint: Endpoint | undefined,
  delivery: Pick<StatedDelivery, 'inBucket'>,
): Omit<ParseOptions, 'format'> {
  const between = separator === undefined ? undefined : separatorOf(separator);
  const encodedIn = encoding === undefined ? undefined : encodingOf(encoding);
  const all = {
    ...{ ...DEFAULT_PARSE_OPTIONS, ...stated },
    ...(between === undefined ? {} : { separator: between }),
    ...(encodedIn === undefined || encodedIn === 'utf-8' ? {} : { encoding: encodedIn }),
  };
  return parseFor(endpoint, all, delivery);
}

function compileApi(stated: SettingsWithDefaults['api'], { env, collect }: CompileContext): ApiSettings {
  const { host, port, tokenFile, tokenEnv, maxUploadMiB, maxRequestsPerSecond, gatherSeconds } = stated;
  if (tokenFile !== undefined && tokenEnv !== undefined) {
    collect({ key: 'api.tokenFile', problem: 'the token comes from a file and from a variable; expected one of them' });
  }
  const variable = tokenEnv ?? (env.WDS_API_TOKEN ? 'WDS_API_TOKEN' : undefined);
  const fromVariable = variable === undefined ? undefined : { variable, value: env[variable] };
  return {
    host,
    port,
    token: tokenFile === undefined ? fromVariable : { file: tokenFile },
    maxUploadBytes: maxUploadMiB * MIB,
    maxRequestsPerSecond,
    gatherMs: seconds(gatherSeconds),
  };
}

/** Faults go to `context.collect`; the result is to be used only where there were none. */
export async function compile(stated: SettingsWithDefaults, context: CompileContext): Promise<Settings> {
  const { collect, cwd } = context;
  const home = resolve(cwd, stated.home);

  const { userIdColumn, alertMessageColumn } = stated.parse;
  if (userIdColumn.toLowerCase() === alertMessageColumn.toLowerCase()) {
    collect({
      key: 'parse.userIdColumn',
      problem: wrongValue(JSON.stringify(userIdColumn), 'another column than parse.alertMessageColumn'),
    });
  }

  const endpoints = await compileEndpoints(stated, { ...context, network: stated.network });
  const endpoint = endpoints.length === 1 ? endpoints[0] : endpoints.find(({ name }) => name === context.meant);
  const names = endpoints.map(({ name }) => name);
  const store = compileStore(stated);
  const inboxes = await compileInboxes(stated, { cwd, home, store, endpoints: names, meant: context.meant, collect });
  checkS3(stated, { store, inboxes }, collect);
  const timeoutSeconds = endpoints.length === 0 ? 15 : Math.max(...endpoints.map(({ timeoutMs }) => timeoutMs)) / 1_000;
  const graceSeconds = stated.shutdownGraceSeconds ?? timeoutSeconds + 5;
  if (graceSeconds <= timeoutSeconds) {
    collect({
      key: 'shutdownGraceSeconds',
      problem: wrongValue(String(graceSeconds), `more than endpoint.timeoutSeconds (${timeoutSeconds})`),
    });
  }
  const { stopAtFailures, notBefore: _not, notAfter: _late, window: _hours, ...delivery } = stated.delivery;
  const statedDelivery = {
    inBucket: store !== undefined,
    ...delivery,
    maxInvalid: shareOf(stated.parse.maxInvalid) ?? DEFAULT_MAX_INVALID,
    stopAtFailures: shareOf(stopAtFailures),
    schedule: compileSchedule(stated.delivery, context),
  };
  return deepFreeze({
    home,
    store,
    inbox: inboxes[0] === undefined ? resolve(cwd, 'inbox') : inboxPlace(inboxes[0]),
    inboxes,
    watch: stated.intake.watch,
    settleMs: seconds(stated.intake.settleSeconds),
    blindSettleMs: seconds(stated.intake.blindSettleSeconds),
    scanIntervalMs: seconds(stated.intake.scanIntervalSeconds),
    sidecar: stated.intake.sidecar,
    results: stated.intake.results,
    maxExpandedBytes: stated.intake.maxExpandedMiB * MIB,
    maxFileBytes: stated.intake.maxFileMiB * MIB,
    minFreeBytes: store === undefined ? minFreeBytesOf(stated.intake) : 0,
    parse: compileParse(stated.parse, endpoint, statedDelivery),
    endpoint,
    endpoints,
    delivery: deliveryTo(endpoint, statedDelivery),
    statedDelivery,
    suppressFile: context.configured.delivery?.suppressFile,
    reports: stated.reports,
    retainMs: retainMsOf(stated.store.retainDays),
    umask: UMASKS[stated.store.groupAccess],
    api: compileApi(stated.api, context),
    notify: await compileNotify(stated.notify, context),
    monitoring: stated.monitoring,
    deploymentVersion: deploymentVersionOf(stated.versioning),
    temporal: context.temporal,
    logLevel: stated.logLevel ?? context.defaultLogLevel,
    shutdownGraceMs: seconds(graceSeconds),
  });
}

const minFreeBytesOf = ({ minFreeMiB }: SettingsWithDefaults['intake']): number | undefined =>
  minFreeMiB === undefined ? undefined : minFreeMiB * MIB;

function retainMsOf(stated: SettingsWithDefaults['store']['retainDays']): RetainMs {
  if (stated === undefined) return {};
  const entries = PARTS.map((part) => [part, typeof stated === 'number' ? stated : stated[part]] as const);
  return Object.fromEntries(entries.flatMap(([part, days]) => (days === undefined ? [] : [[part, days * DAY_MS]])));
}

/** undefined: at any time. */
function compileSchedule(
  { notBefore, notAfter, window }: SettingsWithDefaults['delivery'],
  { collect }: CompileContext,
): Schedule | undefined {
  const notBeforeMs = notBefore === undefined ? undefined : timeOf(notBefore);
  const notAfterMs = notAfter === undefined ? undefined : timeOf(notAfter);
  if (notBeforeMs !== undefined && notAfterMs !== undefined && notAfterMs <= notBeforeMs) {
    const problem = wrongValue(JSON.stringify(notAfter), `a time later than delivery.notBefore (${notBefore})`);
    collect({ key: 'delivery.notAfter', problem });
  }
  const hours = window === undefined ? 'always' : (windowOf(window) ?? 'always');
  const schedule = {
    ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
    ...(notAfterMs === undefined ? {} : { notAfterMs }),
    ...(hours === 'always' ? {} : { window: hours }),
  };
  return Object.keys(schedule).length === 0 ? undefined : schedule;
}

/** From 0 to 1; undefined: none was stated. */
const shareOf = (stated: number | string | undefined): number | undefined =>
  typeof stated === 'string' ? percentOf(stated) : stated;
