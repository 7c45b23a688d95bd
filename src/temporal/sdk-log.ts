/** What Temporal's SDK, and wds's own workflows, have to say, in the log of wds; and the SDK's own figures. */
import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';
import { freePort } from '../dev-server/free-port.ts';
import { FAILURE } from '../domain/names.ts';
import { plainText } from '../domain/plain-text.ts';
import { reasonOf } from '../thrown.ts';

const TRIES = 3;
const READ_LIMIT_MS = 2_000;
const OWN_FAILURES: ReadonlySet<string> = new Set(Object.values(FAILURE));

/** What the native part of the SDK says of a workflow task that it fails. */
const FAILED_TASK = 'Failing workflow task';

export interface SdkLogOptions {
  readonly logger: Logger;
  readonly refused: ReadonlySet<string>;
  /** The history of a run does not fit the code that runs here. */
  readonly notReplayable: (runId: string, failure: string) => void;
}

/**
 * The SDK's own messages, from its warnings on, in the log of wds. Once a process, before the first worker. `refused`: IDs of the workflows of files
 * that this process has logged as refused; of a workflow's failure nothing but the text comes through to here. Returns how the SDK's figures are
 * read, as text for Prometheus; undefined: they are not served.
 */
export async function logThrough(options: SdkLogOptions): Promise<(() => Promise<string>) | undefined> {
  const { logger } = options;
  for (let attempt = 1; ; attempt++) {
    const port = await freePort(0);
    try {
      install(options, `127.0.0.1:${port}`);
      return async () =>
        (await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(READ_LIMIT_MS) })).text();
    } catch (error) {
      // Somebody was faster. Without figures of the SDK everything else works.
      if (attempt < TRIES) continue;
      logger.warn({ event: 'temporal_sdk', reason: reasonOf(error) }, "the figures of Temporal's SDK are not served");
      install(options, undefined);
      return undefined;
    }
  }
}

function install({ logger, refused, notReplayable }: SdkLogOptions, bindAddress: string | undefined): void {
  Runtime.install({
    // By itself the SDK stops all workers at once at a signal, and nobody would be left to take the share of the rate back (6 s of waiting).
    shutdownSignals: [],
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      // An alerts worker has no workflows, and that is meant so.
      if (message.startsWith('No workflows registered')) return;
      const { workflowId, activityType, attempt, error, event, file, ...more } = (meta ?? {}) as Record<
        string,
        unknown
      >;
      if (more.sdkComponent === 'core' && level === 'WARN') {
        // Of these, one is news: the rest is what the SDK mends by itself, and what its figures tell (access-watch.ts).
        const failure = `${more.failure}`;
        const isNews = message === FAILED_TASK && failure.includes('NonDeterministic');
        if (isNews) notReplayable(`${more.runId}`, failure);
        else logger.debug({ event: 'temporal_sdk', error: error === undefined ? undefined : reasonOf(error) }, message);
        return;
      }
      // What wds's own workflows say.
      if (typeof event === 'string') {
        const { sha256, endpoint } = more;
        logger.warn({ event, file, sha256, endpoint }, `${plainText(`${file}`)}: ${message}`);
        return;
      }
      // Only these: what else the SDK adds holds whole tasks.
      const reason = error === undefined ? undefined : reasonOf(error);
      const fields = { event: 'temporal_sdk', workflowId, activityType, attempt, error: reason };
      // What wds itself says by a retryable failure is the normal course of a delivery; the Web UI shows it.
      // Errors of workflows come from another realm, so they are known by their type, not by their class.
      const isSaid = OWN_FAILURES.has((error as { type?: string } | undefined)?.type ?? '');
      if (isSaid || refused.has(`${workflowId}`)) logger.debug(fields, message);
      else if (level === 'ERROR') logger.error(fields, message);
      else logger.warn(fields, message);
    }),
    telemetryOptions: {
      logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } },
      ...(bindAddress === undefined
        ? {}
        : {
            metrics: {
              prometheus: { bindAddress, useSecondsForDurations: true, unitSuffix: true, countersTotalSuffix: true },
            },
          }),
    },
  });
}
