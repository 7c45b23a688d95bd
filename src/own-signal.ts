/**
 * Runs `work` with a signal of its own that `signal` aborts, and lets go of it at the end: of a signal that lives as long as the process nothing
 * is to hold on to each piece of work. (Temporal's client adds a listener for each request, and removes none.)
 */
export async function withOwnSignal<Result>(
  signal: AbortSignal,
  work: (own: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const own = new AbortController();
  const abort = (): void => own.abort(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  try {
    return await work(own.signal);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
