/**
 * From settings as people write them to what the receiver runs on, checked as a whole: one fault lists everything that is wrong.
 */
import { Fault } from '../domain/failure.ts';
import type { RateLimitHeaders } from './limit-headers.ts';
import type { ReceiverModelSpec } from './models/model.ts';
import { DEFAULT_MODEL_SPEC } from './models/models.ts';
import type {
  FailUsers,
  HostileMode,
  ReceiverSettingName,
  ReceiverSettingValue,
  RetryAfterStyle,
} from './receiver-settings.ts';
import { periodOfRate, RECEIVER_SETTINGS } from './receiver-settings.ts';

type Written = string | number | boolean | null | undefined;
/** Values as flags, JSON or tests give them. null and undefined: the default. */
export type ReceiverSettings = {
  readonly [K in ReceiverSettingName]?: K extends 'failUsers' ? Written | readonly string[] : Written;
};

export interface ReceiverOptions {
  readonly port: number;
  readonly controlPort: number | undefined;
  readonly host: string;
  readonly model: ReceiverModelSpec;
  readonly seed: number;
  readonly jitterMs: number;
  readonly failRate: number;
  readonly failStatus: number;
  readonly failUsers: readonly FailUsers[];
  readonly status: number | undefined;
  readonly throttleStatus: number;
  readonly rateLimitHeaders: RateLimitHeaders;
  readonly retryAfter: RetryAfterStyle;
  readonly dedupe: boolean;
  readonly secret: Uint8Array | undefined;
  readonly hostile: HostileMode | undefined;
  readonly hostileRate: number;
  readonly log: string | undefined;
  readonly down: boolean;
  readonly downForMs: number | undefined;
}

/** Throws a `usage` Fault that names each wrong setting with its value and what it expects. */
export function parseReceiverOptions(settings: ReceiverSettings): ReceiverOptions {
  const faults: string[] = [];
  for (const name of Object.keys(settings)) {
    if (!Object.hasOwn(RECEIVER_SETTINGS, name)) faults.push(`${name} is not a setting of the receiver`);
  }
  const readText = <K extends ReceiverSettingName>(name: K, text: string): ReceiverSettingValue<K> | undefined => {
    const { read, expects } = RECEIVER_SETTINGS[name];
    const value = read(text);
    if (value === undefined) {
      const shown = name === 'secret' ? 'the value given' : JSON.stringify(text);
      faults.push(`${name}: ${shown} is not ${expects}`);
    }
    return value as ReceiverSettingValue<K> | undefined;
  };
  const read = <K extends ReceiverSettingName>(name: K): ReceiverSettingValue<K> | undefined => {
    const written = settings[name];
    return written === undefined || written === null ? undefined : readText(name, String(written));
  };
  const { failUsers = [] } = settings;
  const failUsersTexts = Array.isArray(failUsers) ? (failUsers as readonly string[]) : [String(failUsers)];
  const options: ReceiverOptions = {
    port: read('port') ?? 0,
    controlPort: read('controlPort'),
    host: read('host') ?? '127.0.0.1',
    model: modelSpec(read, periodOfRate(String(settings.rate ?? '')), faults),
    seed: read('seed') ?? 1,
    jitterMs: read('jitterMs') ?? 0,
    failRate: read('failRate') ?? 0,
    failStatus: read('failStatus') ?? 500,
    failUsers:
      failUsers === null
        ? []
        : failUsersTexts.map((text) => readText('failUsers', text)).filter((one) => one !== undefined),
    status: read('status'),
    throttleStatus: read('throttleStatus') ?? 429,
    rateLimitHeaders: read('rateLimitHeaders') ?? 'none',
    retryAfter: read('retryAfter') ?? 'seconds',
    dedupe: read('dedupe') ?? false,
    secret: read('secret'),
    hostile: read('hostile'),
    hostileRate: read('hostileRate') ?? 1,
    log: read('log'),
    down: read('down') ?? false,
    downForMs: read('downForMs'),
  };
  if (faults.length > 0) {
    throw new Fault(
      'usage',
      [...new Set(faults)].join('; '),
      'See `wds receiver --help` for the settings and their values.',
    );
  }
  return options;
}

type Read = <K extends ReceiverSettingName>(name: K) => ReceiverSettingValue<K> | undefined;

const isWindowed = (model: ReceiverModelSpec['model']): boolean =>
  model.endsWith('-window') || model === 'sliding-counter' || model === 'shield';

function modelSpec(read: Read, periodMs: number, faults: string[]): ReceiverModelSpec {
  const rate = read('rate');
  const schedule = read('schedule');
  const concurrency = read('concurrency');
  const burst = read('burst');
  const named = read('model');
  const limited = (rate !== undefined && Number.isFinite(rate)) || schedule !== undefined;
  const unnamed = limited ? 'token-bucket' : concurrency !== undefined ? 'concurrency' : 'unlimited';
  const model = named ?? unnamed;
  const spec: ReceiverModelSpec = {
    ...DEFAULT_MODEL_SPEC,
    model,
    ratePerSecond: limited && rate !== undefined && Number.isFinite(rate) ? rate : (schedule?.[0]?.ratePerSecond ?? 0),
    windowMs: read('windowMs') ?? (isWindowed(model) ? periodMs : DEFAULT_MODEL_SPEC.windowMs),
    blockMs: read('blockMs') ?? DEFAULT_MODEL_SPEC.blockMs,
    concurrency: concurrency ?? DEFAULT_MODEL_SPEC.concurrency,
    latencyMs: read('latencyMs') ?? 0,
    ...(burst === undefined ? {} : { burst }),
    ...(schedule === undefined ? {} : { schedule }),
  };
  if (model !== 'unlimited' && model !== 'concurrency' && !limited)
    faults.push(`model ${named} needs a rate or a schedule`);
  if (limited && (model === 'unlimited' || model === 'concurrency'))
    faults.push(`model ${model} takes no rate and no schedule`);
  if (isWindowed(model)) {
    const rates = [spec.ratePerSecond, ...(schedule ?? []).map((step) => step.ratePerSecond)];
    const tooLow = rates.find((one) => one > 0 && (one * spec.windowMs) / 1000 < 1 - 1e-6);
    if (tooLow !== undefined) faults.push(`${tooLow}/s is less than one request in a window of ${spec.windowMs} ms`);
  }
  return spec;
}
