/**
 * What this process shows Temporal may be rotated while it runs: the API key in the file that TEMPORAL_CONFIG_FILE names, and the files of its
 * certificate, its key and the service's authority, wherever they are named (TEMPORAL_TLS_…_PATH, or that file). A key is handed over; for
 * certificates connections are made anew, for they are shown when one is made. What cannot be used leaves that of before in force.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { TemporalFlags } from '../config/settings.ts';
import { watchFiles } from '../file-signs.ts';
import { reasonOf } from '../thrown.ts';
import type { TemporalTarget } from './connection.ts';
import { certificateFiles, temporalTarget } from './connection.ts';

/** A service that is out of reach is asked again. */
const AGAIN_MS = 5_000;

export interface CredentialParts {
  readonly flags: TemporalFlags;
  readonly client: Pick<Connection, 'setApiKey'>;
  /** That of the workers, once there is one. */
  readonly native: () => Promise<Pick<NativeConnection, 'setApiKey'>> | undefined;
  /** Connects anew, and has all go on by that; rejects where it cannot, and then nothing has changed. */
  readonly reconnect: (target: TemporalTarget) => Promise<void>;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  readonly env?: NodeJS.ProcessEnv;
  readonly everyMs?: number;
}

/** Until what is returned is called. What comes from the environment itself stays as it is. */
export function watchServiceCredentials(parts: CredentialParts): () => void {
  const { flags, logger, env = process.env, everyMs = AGAIN_MS } = parts;
  const known = temporalTarget(flags, env);
  if (known === undefined) return () => undefined;
  const config = env.TEMPORAL_CONFIG_FILE;
  const files = [...(config === undefined || config === '' ? [] : [config]), ...certificateFiles(flags, env)];
  if (files.length === 0) return () => undefined;
  const stopped = new AbortController();
  const renewal = new Renewal(parts, known);
  const onTrouble = (error: unknown): void => {
    const reason = reasonOf(error);
    if (renewal.isOfCertificates) {
      const text =
        "Temporal's certificates have changed and cannot be used; those of before are, and it is tried again";
      logger.warn({ event: 'temporal_certificate_trouble', reason }, text);
    } else {
      logger.warn(
        { event: 'api_key_trouble', reason },
        "Temporal's API key cannot be read again; that of before is used",
      );
    }
  };
  const onChange = async (): Promise<void> => {
    for (let told = false; !stopped.signal.aborted; told = true) {
      try {
        return await renewal.look();
      } catch (error) {
        // A file that is broken is looked at when it changes again.
        if (!renewal.isOfCertificates) throw error;
        if (!told) onTrouble(error);
      }
      await sleep(everyMs, undefined, { signal: stopped.signal, ref: false }).catch(() => undefined);
    }
  };
  const stopWatching = watchFiles(files, { everyMs, onChange, onTrouble });
  return () => {
    stopped.abort();
    stopWatching();
  };
}

const apiKeyOf = ({ connectionOptions }: TemporalTarget): string | undefined =>
  typeof connectionOptions.apiKey === 'string' ? connectionOptions.apiKey : undefined;
const tlsOf = ({ connectionOptions }: TemporalTarget): string => JSON.stringify(connectionOptions.tls ?? null);

class Renewal {
  readonly #parts: CredentialParts;
  #apiKey: string | undefined;
  #tls: string;
  /** What was looked at last, and could not be used, was about certificates. */
  isOfCertificates = false;

  constructor(parts: CredentialParts, known: TemporalTarget) {
    this.#parts = parts;
    this.#apiKey = apiKeyOf(known);
    this.#tls = tlsOf(known);
  }

  async look(): Promise<void> {
    const { flags, env = process.env, client, native, reconnect, logger } = this.#parts;
    this.isOfCertificates = false;
    const target = temporalTarget(flags, env);
    if (target === undefined) return;
    const [key, tls] = [apiKeyOf(target), tlsOf(target)];
    if (tls !== this.#tls) {
      this.isOfCertificates = true;
      await reconnect(target);
      this.#tls = tls;
      this.#apiKey = key;
      const text = 'Temporal was connected to anew: the files of its certificates have changed';
      logger.info({ event: 'temporal_certificate_renewed' }, text);
      return;
    }
    if (key === undefined || key === this.#apiKey) return;
    this.#apiKey = key;
    client.setApiKey(key);
    await (await native())?.setApiKey(key);
    logger.info({ event: 'api_key_renewed' }, "Temporal's API key was read again: its file has changed");
  }
}
