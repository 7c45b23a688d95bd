/** The bundled receiver as a process of its own, and what its log says: the witness outside of wds. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { LoggedDelivery } from '../../../src/receiver/delivery-log.ts';
import { messageCrc32, readDeliveryLog } from '../../../src/receiver/delivery-log.ts';
import type { ReceiverReport } from '../../../src/receiver/receiver-stats.ts';
import type { TestAlert } from './alert-files.ts';
import { until } from './waiting.ts';
import type { ProcessPlace } from './wds-process.ts';
import { WdsProcess } from './wds-process.ts';

/** Whom the receiver accepted, held against an input. Lists are of user IDs. */
export interface Verdict {
  /** Never accepted. */
  readonly missed: readonly string[];
  /** One entry for each accepted request beyond a user's first. */
  readonly repeated: readonly string[];
  /** Accepted with another message than theirs. */
  readonly altered: readonly string[];
  /** Accepted and not in the input. */
  readonly strangers: readonly string[];
}

export const EACH_ONCE: Verdict = { missed: [], repeated: [], altered: [], strangers: [] };

export class TestReceiver {
  readonly url: string;
  readonly process: WdsProcess;
  readonly #log: string;
  #from = 0;

  private constructor(process: WdsProcess, url: string, log: string) {
    this.process = process;
    this.url = url;
    this.#log = log;
  }

  /** `flags`: of `wds receiver`. Its log is in the place's folder. */
  static async start(place: ProcessPlace, port: number, flags: readonly string[]): Promise<TestReceiver> {
    const log = join(place.cwd, 'receiver.log');
    const process = new WdsProcess(['receiver', '--port', `${port}`, '--log', log, ...flags], place);
    const url = await until('the receiver tells its address', () => {
      if (!process.running) throw new Error(`the receiver ended: ${process.stderr}`);
      return process.stdout.trim() || undefined;
    });
    return new TestReceiver(process, url, log);
  }

  async stats(): Promise<ReceiverReport> {
    return (await (await fetch(new URL('stats', this.url))).json()) as ReceiverReport;
  }

  /** Changes settings while it runs; null: back to the default. */
  async control(patch: object): Promise<void> {
    const response = await fetch(new URL('control', this.url), { method: 'POST', body: JSON.stringify(patch) });
    if (!response.ok) throw new Error(`control: ${await response.text()}`);
  }

  /** Every request that has arrived in full since `lookAway`, oldest first. */
  async requests(): Promise<LoggedDelivery[]> {
    return (await this.#logged()).slice(this.#from);
  }

  /** What has arrived so far is no longer looked at. */
  async lookAway(): Promise<void> {
    this.#from = (await this.#logged()).length;
  }

  async #logged(): Promise<LoggedDelivery[]> {
    const found: LoggedDelivery[] = [];
    if (existsSync(this.#log)) for await (const one of readDeliveryLog(this.#log)) found.push(one);
    return found;
  }

  async accepted(): Promise<LoggedDelivery[]> {
    return (await this.requests()).filter(({ status }) => status >= 200 && status < 300);
  }

  /** Waits until about this many requests are in the log: by its size, so that looking costs nothing. */
  async reaches(count: number, limitMs?: number): Promise<void> {
    let seenBytes = -1;
    await until(
      `the receiver has ${count} requests`,
      async () => {
        const sizeBytes = existsSync(this.#log) ? statSync(this.#log).size : 0;
        if (sizeBytes === seenBytes) return false;
        seenBytes = sizeBytes;
        return (await this.requests()).length >= count;
      },
      limitMs,
    );
  }

  async verdict(input: readonly TestAlert[]): Promise<Verdict> {
    const messages = new Map(input.map(({ userId, alertMessage }) => [userId, messageCrc32(alertMessage)]));
    const seen = new Set<string>();
    const found = { repeated: [] as string[], altered: [] as string[], strangers: [] as string[] };
    for (const { userId, messageCrc32: message } of await this.accepted()) {
      const user = userId ?? '(unreadable)';
      const expected = messages.get(user);
      if (seen.has(user)) found.repeated.push(user);
      else if (expected === undefined) found.strangers.push(user);
      else if (expected !== message) found.altered.push(user);
      seen.add(user);
    }
    return { missed: [...messages.keys()].filter((user) => !seen.has(user)), ...found };
  }
}
