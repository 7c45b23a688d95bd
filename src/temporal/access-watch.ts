/**
 * Whether Temporal lets this process in. The SDK says nothing of polls that are refused, and tries again for ever: they are seen in its figures.
 * One line in the log when something is wrong, with what to do, and one when it is over.
 */
import type { Logger } from 'pino';
import type { Monitoring } from '../monitoring/monitoring.ts';
import { OK } from '../monitoring/readiness.ts';
import { reasonOf } from '../thrown.ts';
import type { AccessTrouble, TroubleKind } from './access-trouble.ts';
import { adviceOn, isLate, TROUBLE_KINDS, troubleOf, troubleOfStatus } from './access-trouble.ts';
import type { TemporalConnection } from './connection.ts';

const LOOK_MS = 5_000;
const PROBE_LIMIT_MS = 3_000;
/** A poller that was refused tries again after ten seconds (measured with SDK 1.24). */
const POLLS_AGAIN_MS = 15_000;
/** Of the server: a restart, and what the SDK mends by itself, is no news. */
const UNREACHABLE_AFTER_MS = 10_000;
const IN_WORDS: Readonly<Record<TroubleKind, string>> = {
  permission_denied: 'refuses this process a permission',
  unauthenticated: 'does not accept what this process signs in with',
  namespace_unknown: 'does not know the namespace',
  unreachable: 'cannot be reached',
};

export interface AccessWatchOptions {
  readonly address: string;
  readonly namespace: string;
  readonly logger: Pick<Logger, 'error' | 'info'>;
  readonly monitoring: Monitoring;
  /** Any call that needs the namespace. */
  readonly probe: () => Promise<unknown>;
  readonly nowMs?: () => number;
}

export function watchAccess(
  { address, namespace, connection }: TemporalConnection,
  monitoring: Monitoring,
  logger: AccessWatchOptions['logger'],
): AccessWatch {
  const ask = (): Promise<unknown> => connection.workflowService.describeNamespace({ namespace });
  const probe = (): Promise<unknown> => connection.withDeadline(Date.now() + PROBE_LIMIT_MS, ask);
  return new AccessWatch({ address, namespace, logger, monitoring, probe });
}

export class AccessWatch {
  readonly #options: AccessWatchOptions;
  readonly #nowMs: () => number;
  readonly #timer: NodeJS.Timeout;
  #trouble: AccessTrouble | undefined;
  /** Since when it is out of reach; it is not said at once. */
  #unreachableMs: number | undefined;
  /** Of polls that failed, by status, as the SDK's figures had it last. */
  #failures = new Map<string, number>();
  #refusedPolls: { readonly kind: TroubleKind; readonly atMs: number } | undefined;
  #looking = false;
  /** A call took too long: is it the service? */
  #suspected = false;

  constructor(options: AccessWatchOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    const { metrics } = options.monitoring;
    const labels = ['kind'];
    metrics.gauge({ name: 'wds_temporal_trouble', help: '1: Temporal does not let this process in', labels }, () =>
      TROUBLE_KINDS.map((kind) => [[kind], Number(this.#trouble?.kind === kind)] as const),
    );
    this.#timer = setInterval(() => void this.look(), LOOK_MS).unref();
  }

  /** `ok`, or what is wrong. */
  get standing(): string {
    return this.#trouble === undefined ? OK : `Temporal ${IN_WORDS[this.#trouble.kind]}: ${this.#trouble.reason}`;
  }

  /** Whether the polls of this process's workers are taken: `ok`, or what is wrong. */
  get polls(): string {
    return this.#refusedPolls === undefined ? OK : `Temporal ${IN_WORDS[this.#refusedPolls.kind]}: polls fail`;
  }

  /** A call has failed. Returns whether that is a matter of access, which is said here. */
  tell(error: unknown): boolean {
    const trouble = troubleOf(error);
    if (trouble !== undefined) this.#is(trouble);
    else if (isLate(error)) this.#suspected = true;
    return trouble !== undefined;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      await this.#readPolls();
      const polls = this.#refusedPolls;
      const isInDoubt = this.#suspected || this.#unreachableMs !== undefined || polls !== undefined;
      if (this.#trouble === undefined && !isInDoubt) return;
      this.#suspected = false;
      const found = await this.#options.probe().then(
        () => undefined,
        (error: unknown) => troubleOf(error) ?? (isLate(error) ? silentServer(error) : undefined),
      );
      if (found !== undefined) this.#is(found);
      else if (polls !== undefined) this.#is({ kind: polls.kind, reason: 'its polls are refused' });
      else this.#isOver();
    } finally {
      this.#looking = false;
    }
  }

  async #readPolls(): Promise<void> {
    const text = await this.#options.monitoring.sdk?.().catch(() => undefined);
    if (text === undefined) return;
    const nowMs = this.#nowMs();
    const failures = failedPolls(text);
    for (const [status, count] of failures) {
      const kind = troubleOfStatus(status);
      if (kind !== undefined && count > (this.#failures.get(status) ?? 0)) this.#refusedPolls = { kind, atMs: nowMs };
    }
    this.#failures = failures;
    if (this.#refusedPolls !== undefined && nowMs - this.#refusedPolls.atMs > POLLS_AGAIN_MS)
      this.#refusedPolls = undefined;
  }

  #is(trouble: AccessTrouble): void {
    const nowMs = this.#nowMs();
    if (trouble.kind === 'unreachable') this.#unreachableMs ??= nowMs;
    else this.#unreachableMs = undefined;
    if (this.#trouble?.kind === trouble.kind) return;
    if (this.#unreachableMs !== undefined && nowMs - this.#unreachableMs < UNREACHABLE_AFTER_MS) return;
    this.#trouble = trouble;
    const { logger, address, namespace } = this.#options;
    const nextStep = adviceOn(trouble.kind, { address, namespace });
    logger.error(
      { event: 'temporal_trouble', kind: trouble.kind, address, namespace, reason: trouble.reason, nextStep },
      `Temporal at ${address} ${IN_WORDS[trouble.kind]} (namespace ${namespace}): ${trouble.reason}. Do: ${nextStep}`,
    );
  }

  #isOver(): void {
    const before = this.#trouble;
    this.#trouble = undefined;
    this.#unreachableMs = undefined;
    if (before === undefined) return;
    const { logger, address, namespace } = this.#options;
    const fields = { event: 'temporal_trouble_over', kind: before.kind, address, namespace };
    logger.info(fields, `Temporal at ${address} lets this process in again`);
  }
}

const silentServer = (error: unknown): AccessTrouble => ({ kind: 'unreachable', reason: reasonOf(error) });

/** By status, over all queues: `temporal_long_request_failure_total{operation="Poll…",status_code="NOT_FOUND"} 3`. */
function failedPolls(text: string): Map<string, number> {
  const failures = new Map<string, number>();
  for (const [, labels = '', count] of text.matchAll(/^temporal_long_request_failure_total\{([^}]*)\} (\S+)$/gm)) {
    const [, status] = /status_code="([^"]*)"/.exec(labels) ?? [];
    if (status !== undefined) failures.set(status, (failures.get(status) ?? 0) + Number(count));
  }
  return failures;
}
