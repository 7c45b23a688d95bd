/**
 * A span for each activity: which file, which endpoint, how many of what, and how it ended. Each begins a trace of its own
 * (docs/decisions/0042-spans-by-the-api-alone.md). Where no SDK was loaded it costs a call.
 */
import type { Attributes, Span } from '@opentelemetry/api';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { Info } from '@temporalio/activity';
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { readDeliveryRecord } from '../store/delivery-record.ts';
import { readStagedFile } from '../store/staged-file.ts';
import type { Store } from '../store/store.ts';
import { tracer } from '../tracing.ts';

/** Of what an activity is asked, by the names that spans have for them. Those that hold numbers and names, and no person. */
const ASKED = {
  endpoint: 'wds.endpoint',
  sha256: 'wds.file.sha256',
  fileName: 'wds.file.name',
  round: 'wds.round',
  window: 'wds.window',
  chunk: 'wds.chunk',
  from: 'wds.batch.from',
  to: 'wds.batch.to',
  line: 'wds.line',
  way: 'wds.notification.way',
} as const;
/** Counts of what an activity has done. */
const DONE = [
  ...['rows', 'alerts', 'invalid', 'duplicates', 'delivered', 'rejected', 'undelivered', 'unconfirmed', 'suppressed'],
  ...['deliveredBefore', 'sentNow'],
];
/** Files whose names are remembered. */
const MOST_NAMES = 1_000;

export interface FileNames {
  of(file: { readonly sha256: string; readonly endpoint?: string }): Promise<string | undefined>;
}

/** Those of a store, each read once. */
export function fileNamesIn(store: Store): FileNames {
  const known = new Map<string, Promise<string | undefined>>();
  return {
    of({ sha256, endpoint }) {
      const key = `${sha256} ${endpoint ?? ''}`;
      let name = known.get(key);
      if (name === undefined) {
        const read = async (): Promise<string | undefined> =>
          (endpoint && (await readDeliveryRecord(store, { sha256, endpoint }))?.fileName) ||
          (await readStagedFile(store, sha256))?.name;
        // A span without a name is better than none.
        name = read().catch(() => undefined);
        if (known.size >= MOST_NAMES) known.clear();
        known.set(key, name);
      }
      return name;
    },
  };
}

export class ActivitySpans implements ActivityInboundCallsInterceptor {
  readonly #info: Info;
  readonly #names: FileNames;

  constructor(info: Info, names: FileNames) {
    this.#info = info;
    this.#names = names;
  }

  execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>): Promise<unknown> {
    const { activityType, activityId, attempt, workflowExecution } = this.#info;
    return tracer.startActiveSpan(activityType, { kind: SpanKind.CONSUMER, root: true }, async (span) => {
      try {
        if (span.isRecording()) {
          span.setAttributes({
            temporalActivityID: activityId,
            'wds.attempt': attempt,
            ...(workflowExecution && {
              temporalWorkflowID: workflowExecution.workflowId,
              temporalRunID: workflowExecution.runId,
            }),
            ...(await this.#asked(input.args[0])),
          });
        }
        const result = await next(input);
        if (span.isRecording()) span.setAttributes(doneIn(result));
        return result;
      } catch (error) {
        tell(span, error);
        throw error;
      } finally {
        span.end();
      }
    });
  }

  async #asked(asked: unknown): Promise<Attributes> {
    if (typeof asked !== 'object' || asked === null) return {};
    const attributes: Attributes = {};
    for (const [member, name] of Object.entries(ASKED)) {
      const value = (asked as Record<string, unknown>)[member];
      if (typeof value === 'string' || typeof value === 'number') attributes[name] = value;
    }
    const { sha256, endpoint } = asked as { readonly sha256?: string; readonly endpoint?: string };
    if (typeof sha256 !== 'string' || attributes['wds.file.name'] !== undefined) return attributes;
    const name = await this.#names.of({ sha256, ...(endpoint === undefined ? {} : { endpoint }) });
    return name === undefined ? attributes : { ...attributes, 'wds.file.name': name };
  }
}

function doneIn(result: unknown): Attributes {
  if (typeof result !== 'object' || result === null) return {};
  const counts = result as Record<string, unknown>;
  return Object.fromEntries(
    DONE.flatMap((name) => (typeof counts[name] === 'number' ? [[`wds.alerts.${name}`, counts[name]]] : [])),
  );
}

/** By the kind of the failure: its text may quote a receiver. What only has to come again later is no error. */
function tell(span: Span, error: unknown): void {
  const failure = error instanceof ApplicationFailure ? error : undefined;
  span.setAttribute('error.type', failure?.type ?? (error as Error | undefined)?.name ?? 'unknown');
  if (failure?.category === ApplicationFailureCategory.BENIGN) return;
  span.setStatus({ code: SpanStatusCode.ERROR });
}
