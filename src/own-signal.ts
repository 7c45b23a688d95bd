/**
 * Runs `work` with a signal of its own that `signal` aborts, and lets go of it at the end: of a signal that lives as long as the process nothing
 * is to hold on to each piece of work. (Temporal's client adds a listener for each request, and removes none.) After `limitMs` it aborts by itself.
 */
export async function withOwnSignal<Result>(
  signal: AbortSignal,
  work: (own: AbortSignal) => Promise<Result>,
  limitMs?: number,
): Promise<Result> {
  const own = new AbortController();
  const abort = (): void => own.abort(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  const timer = limitMs === undefined ? undefined : setTimeout(() => own.abort(), limitMs).unref();
  try {
    return await work(own.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}
