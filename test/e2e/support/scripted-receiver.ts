/** A receiver in the test's own process whose every answer is the test's to give, for what the bundled one does not do. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Arrival {
  readonly atMs: number;
  readonly userId: string;
  /** Of this user, from 1. */
  readonly nth: number;
  readonly status: number;
}

export interface ScriptedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly afterMs?: number;
  /** Nothing is answered, though the alert counts as accepted. */
  readonly silent?: true;
}

/** `nth`: of this user; `all`: of all users. Both count from 1. */
export type Script = (arrival: {
  readonly userId: string;
  readonly nth: number;
  readonly all: number;
}) => ScriptedAnswer;

const OK: ScriptedAnswer = { status: 200 };

export class ScriptedReceiver {
  readonly arrivals: Arrival[] = [];
  /** What each request is answered; may be replaced at any time. */
  script: Script = () => OK;
  readonly #times = new Map<string, number>();

  readonly listener: RequestListener = (request, response) => {
    // A client that left in mid-request sent no alert.
    this.#answer(request, response).catch(() => undefined);
  };

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { userId } = (await json(request)) as { readonly userId: string };
    const nth = (this.#times.get(userId) ?? 0) + 1;
    this.#times.set(userId, nth);
    const { status, headers, body, afterMs = 0, silent } = this.script({ userId, nth, all: this.arrivals.length + 1 });
    this.arrivals.push({ atMs: Date.now(), userId, nth, status });
    await sleep(afterMs);
    if (silent !== true) response.writeHead(status, headers).end(body);
  }

  /** How often each user was accepted. */
  accepted(): ReadonlyMap<string, number> {
    const times = new Map<string, number>();
    for (const { userId, status } of this.arrivals) {
      if (status >= 200 && status < 300) times.set(userId, (times.get(userId) ?? 0) + 1);
    }
    return times;
  }
}

export interface Listening {
  readonly receiver: ScriptedReceiver;
  readonly url: string;
  close(): void;
}

export async function listen(receiver = new ScriptedReceiver()): Promise<Listening> {
  const server = createServer(receiver.listener);
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { receiver, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, close };
}
