/**
 * Spans, by OpenTelemetry's API alone: they go wherever the SDK sends them that was loaded into the process (`node --require`), and nowhere, at next to
 * no cost, where none was. No attribute holds a user, a message or a secret.
 */
import type { Context, TracerProvider } from '@opentelemetry/api';
import { context, createContextKey, trace } from '@opentelemetry/api';
import { VERSION } from './version.ts';

export const tracer = trace.getTracer('wds', VERSION);

const PROBE = createContextKey('wds probe');
/** As the SDK calls it: what runs within makes no spans, and is given no headers by instrumentations. */
const SUPPRESSED = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

/** Whether an SDK was loaded. */
export const isTraced = (): boolean =>
  context.with(context.active().setValue(PROBE, 1), () => context.active().getValue(PROBE) === 1);

/** In which no instrumentation that was loaded with the SDK has a say; undefined: there is none. */
export const untraced = (): Context | undefined =>
  isTraced() ? context.active().setValue(SUPPRESSED, true) : undefined;

/** Hands over what has ended, before the process ends. Never rejects. */
export async function flushSpans(limitMs = 2_000): Promise<void> {
  const provider = trace.getTracerProvider() as Flushing & { getDelegate?(): Flushing };
  const { promise, resolve } = limit(limitMs);
  const delegate = provider.getDelegate?.() ?? provider;
  const flushed = Promise.resolve(delegate.forceFlush?.()).catch(() => undefined);
  await Promise.race([flushed, promise]);
  resolve();
}

type Flushing = TracerProvider & { forceFlush?(): Promise<void> };

function limit(ms: number): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => {
    const timer = setTimeout(settle, ms);
    resolve = () => {
      clearTimeout(timer);
      settle();
    };
  });
  return { promise, resolve };
}
