/** What notifications are signed with: read again when its files have changed. What cannot be read, or is no secret, leaves that of before in force. */
import type { NotifySettings } from '../config/settings.ts';
import { watchFiles } from '../file-signs.ts';
import { reasonOf } from '../thrown.ts';

export interface WatchedSecretsOptions {
  readonly onRenewed: () => void;
  /** `reason`: never shows a secret. Told once for each change that cannot be used. */
  readonly onTrouble: (reason: string) => void;
  readonly everyMs?: number;
}

export class WatchedSecrets {
  #secrets: readonly string[];
  readonly #stopWatching: () => void;

  constructor(notify: NotifySettings | undefined, { onRenewed, onTrouble, everyMs }: WatchedSecretsOptions) {
    this.#secrets = notify?.secrets ?? [];
    const { secretFiles } = notify ?? {};
    const onChange = async (): Promise<void> => {
      this.#secrets = (await secretFiles?.read()) ?? [];
      onRenewed();
    };
    const options = { onChange, everyMs, onTrouble: (error: unknown) => onTrouble(reasonOf(error)) };
    this.#stopWatching = secretFiles === undefined ? () => undefined : watchFiles(secretFiles.paths, options);
  }

  /** Newest first; empty: unsigned. */
  get secrets(): readonly string[] {
    return this.#secrets;
  }

  close(): void {
    this.#stopWatching();
  }
}
