/** The API key of the Temporal service may be rotated while a process runs: it is read again when the file that TEMPORAL_CONFIG_FILE names has changed. */
import type { Connection } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { TemporalFlags } from '../config/settings.ts';
import { watchFiles } from '../file-signs.ts';
import { reasonOf } from '../thrown.ts';
import { temporalTarget } from './connection.ts';

export interface ApiKeyParts {
  readonly flags: TemporalFlags;
  readonly client: Pick<Connection, 'setApiKey'>;
  /** That of the workers, once there is one. */
  readonly native: () => Promise<Pick<NativeConnection, 'setApiKey'>> | undefined;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  readonly env?: NodeJS.ProcessEnv;
  readonly everyMs?: number;
}

const keyIn = (flags: TemporalFlags, env: NodeJS.ProcessEnv): string | undefined => {
  const key = temporalTarget(flags, env)?.connectionOptions.apiKey;
  return typeof key === 'string' ? key : undefined;
};

/** Until what is returned is called. A key from the environment stays as it is. */
export function watchApiKey({ flags, client, native, logger, env = process.env, everyMs }: ApiKeyParts): () => void {
  const file = env.TEMPORAL_CONFIG_FILE;
  if (file === undefined || file === '') return () => undefined;
  let known = keyIn(flags, env);
  if (known === undefined) return () => undefined;
  return watchFiles([file], {
    everyMs,
    onChange: async () => {
      const key = keyIn(flags, env);
      if (key === undefined || key === known) return;
      known = key;
      client.setApiKey(key);
      await (await native())?.setApiKey(key);
      logger.info({ event: 'api_key_renewed' }, "Temporal's API key was read again: its file has changed");
    },
    onTrouble: (error) =>
      logger.warn(
        { event: 'api_key_trouble', reason: reasonOf(error) },
        "Temporal's API key cannot be read again; that of before is used",
      ),
  });
}
