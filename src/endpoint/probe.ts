/** Asks an endpoint that seemed ill whether it is well again, by GET: no alert is spent on the question. Redirects are not followed. */
import { context } from '@opentelemetry/api';
import { Client } from 'undici';
import type { Clock } from '../clock.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import { untraced } from '../tracing.ts';
import { VERSION } from '../version.ts';
import type { AccessTokens } from './access-tokens.ts';
import { connectorTo } from './connector.ts';
import { Credentials } from './credentials.ts';

/** Whether the endpoint is well. Never rejects, and is answered within the endpoint's timeout. */
export type AskProbe = () => Promise<boolean>;

/** undefined: the endpoint has no probe. `tokens`: one of them goes with the question. Throws Fault `config` where its address is refused. */
export function createProbe(
  endpoint: Endpoint,
  tokens?: AccessTokens,
  credentials = new Credentials(endpoint),
): AskProbe | undefined {
  const { probeUrl, timeoutMs } = endpoint;
  if (probeUrl === undefined) return undefined;
  const url = new URL(probeUrl);
  const connect = connectorTo({ ...endpoint, url: probeUrl });
  const ask = async (): Promise<boolean> => {
    const client = new Client(url.origin, { connect });
    try {
      if (tokens?.take() === undefined) await tokens?.ready();
      const token = tokens?.take();
      const { statusCode, body } = await client.request({
        method: 'GET',
        path: url.pathname + url.search,
        headers: {
          ...credentials.stated,
          'user-agent': `wds/${VERSION}`,
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        signal: AbortSignal.timeout(timeoutMs),
      });
      await body.dump();
      // The next question goes with another one.
      if (statusCode === 401 && token !== undefined) tokens?.isStale(token);
      return statusCode >= 200 && statusCode <= 299;
    } catch {
      return false;
    } finally {
      await client.destroy();
    }
  };
  const apart = untraced();
  return apart === undefined ? ask : () => context.with(apart, ask);
}

/** An answer is believed for so long. */
const VALID_MS = 5_000;

/** The last answer, for as long as it is worth something. */
export class Probe {
  readonly #ask: AskProbe;
  readonly #clock: Clock;
  #answer: { readonly well: boolean; readonly atMs: number } | undefined;
  #asking = false;

  constructor(ask: AskProbe, clock: Clock) {
    this.#ask = ask;
    this.#clock = clock;
  }

  get saysYes(): boolean {
    return this.#isValid && this.#answer?.well === true;
  }

  get saysNo(): boolean {
    return this.#isValid && this.#answer?.well === false;
  }

  get #isValid(): boolean {
    return this.#answer !== undefined && this.#clock.now() - this.#answer.atMs < VALID_MS;
  }

  /** One question at a time; `then` is called for the one that is asked now. */
  ask(then: (well: boolean) => void): void {
    if (this.#asking) return;
    this.#asking = true;
    void this.#ask().then((well) => {
      this.#asking = false;
      this.#answer = { well, atMs: this.#clock.now() };
      then(well);
    });
  }
}
