/** The receiver as a process: one line with its URL on stdout, a line a second on stderr while traffic flows, a clean end on abort. */

import { startReceiver } from './receiver.ts';
import type { ReceiverSettings } from './receiver-options.ts';

export interface ReceiverStreams {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  /** Aborted: connections are cut, the log is flushed, the promise resolves. */
  readonly signal: AbortSignal;
}

/** Resolves when it was stopped. Throws a `usage` Fault for wrong settings or an address that is taken. */
export async function runReceiver(settings: ReceiverSettings, streams: ReceiverStreams): Promise<void> {
  const receiver = await startReceiver(settings);
  streams.stdout.write(`${receiver.url}\n`);
  const { limit } = receiver.stats();
  streams.stderr.write(`receiver: limit ${limit}; GET ${receiver.url} shows what arrived; Ctrl-C stops it\n`);
  let before = receiver.stats();
  const summary = setInterval(() => {
    const now = receiver.stats();
    if (now.received > before.received) {
      const counts = (['accepted', 'throttled', 'refused', 'failed'] as const)
        .map((ending) => `${ending} ${now[ending]} (+${now[ending] - before[ending]})`)
        .join('  ');
      streams.stderr.write(`receiver: ${counts}${now.repeated ? `  repeated ${now.repeated}` : ''}\n`);
    }
    before = now;
  }, 1000);
  await new Promise<void>((resolve) => {
    if (streams.signal.aborted) resolve();
    else streams.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  clearInterval(summary);
  await receiver.close();
}
