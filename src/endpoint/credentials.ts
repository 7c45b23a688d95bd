/**
 * What the requests to an endpoint are signed with, the headers that it was told to be sent, and the secret that its access tokens are fetched with:
 * read again when one of their files has changed, so that each can be rotated while the process runs. What cannot be read, or is no secret, leaves
 * that of before in force.
 */
import type { Endpoint } from '../domain/endpoint.ts';
import { watchFiles } from '../file-signs.ts';
import { reasonOf } from '../thrown.ts';
import type { RequestHeaders } from './request-headers.ts';
import { compileHeaders } from './request-headers.ts';

export interface CredentialsOptions {
  readonly onRenewed?: () => void;
  /** `reason`: never shows a secret. Told once for each change that cannot be used. */
  readonly onTrouble?: (reason: string) => void;
  readonly everyMs?: number | undefined;
}

export class Credentials {
  #endpoint: Endpoint;
  #headers: RequestHeaders;
  #clientSecret: string;
  readonly #stopWatching: () => void;

  /** @throws {Fault} `config` for a malformed secret or header. */
  constructor(
    endpoint: Endpoint,
    { onRenewed = () => undefined, onTrouble = () => undefined, everyMs }: CredentialsOptions = {},
  ) {
    this.#endpoint = endpoint;
    this.#headers = compileHeaders(endpoint);
    this.#clientSecret = endpoint.oauth2?.clientSecret ?? '';
    const { credentialFiles } = endpoint;
    if (credentialFiles === undefined) {
      this.#stopWatching = () => undefined;
      return;
    }
    const onChange = async (): Promise<void> => {
      const { clientSecret = this.#clientSecret, ...read } = await credentialFiles.read();
      const renewed = { ...this.#endpoint, ...read };
      const { write, secretValues } = compileHeaders(renewed);
      // Answers to requests of before may still come.
      const ofBefore = compileHeaders(this.#endpoint).secretValues;
      this.#headers = { write, secretValues: [...secretValues, ...ofBefore] };
      this.#endpoint = renewed;
      this.#clientSecret = clientSecret;
      onRenewed();
    };
    this.#stopWatching = watchFiles(credentialFiles.paths, {
      ...{ onChange, everyMs },
      onTrouble: (error) => onTrouble(reasonOf(error)),
    });
  }

  get headers(): RequestHeaders {
    return this.#headers;
  }

  /** Of the endpoint's `oauth2`; empty where it has none. */
  get clientSecret(): string {
    return this.#clientSecret;
  }

  /** Those that the operator states, for a question that is no alert. */
  get stated(): Endpoint['headers'] {
    return this.#endpoint.headers;
  }

  close(): void {
    this.#stopWatching();
  }
}
