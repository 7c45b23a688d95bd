/** Tells the notifier of this installation, which is started where it does not run. Never in the way of a delivery: it gives up after a while, and says so in the log. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { NotifySettings } from '../config/settings.ts';
import {
  filesTaskQueue,
  HURRY_SIGNAL,
  INSTALLATION_MEMO,
  NOTICE_SIGNAL,
  NOTIFIER_WORKFLOW,
  notifierWorkflowId,
  OPEN_QUERY,
} from '../domain/names.ts';
import type { Notice } from '../domain/notices/notice.ts';
import type { NotifierInput } from '../domain/notices/notifier-contracts.ts';
import { reasonOf } from '../thrown.ts';

const ANSWER_LIMIT_MS = 3_000;
const TRIES = 3;
const BETWEEN_MS = 1_000;
const HURRY_LIMIT_MS = 5_000;
const HURRY_LOOK_MS = 200;

export interface NoticesOptions {
  readonly client: Client;
  readonly logger: Logger;
  readonly installation: string;
  /** undefined: nobody is to be told. */
  readonly notify: NotifySettings | undefined;
}

export class Notices {
  readonly #options: NoticesOptions;
  /** This process has told something. */
  #hasTold = false;

  constructor(options: NoticesOptions) {
    this.#options = options;
  }

  get wanted(): boolean {
    return this.#options.notify !== undefined;
  }

  /**
   * Lets what this process has told go out now, and waits a while for it: where the server ends with the process, it would only go out
   * with the next one. Never rejects.
   */
  async hurry(limitMs = HURRY_LIMIT_MS): Promise<void> {
    if (!this.#hasTold) return;
    const { client, installation } = this.#options;
    const handle = client.workflow.getHandle(notifierWorkflowId(installation));
    const endMs = performance.now() + limitMs;
    try {
      await client.connection.withDeadline(Date.now() + ANSWER_LIMIT_MS, () => handle.signal(HURRY_SIGNAL));
      while (performance.now() < endMs) {
        const open = await client.connection.withDeadline(Date.now() + ANSWER_LIMIT_MS, () =>
          handle.query<number>(OPEN_QUERY),
        );
        if (open === 0) return;
        await sleep(HURRY_LOOK_MS);
      }
    } catch {
      // It goes out later.
    }
  }

  /** Never rejects. Resolves when the notifier has it, for good. */
  async tell(notice: Notice): Promise<void> {
    const { client, logger, installation, notify } = this.#options;
    if (notify === undefined || !notify.events.includes(notice.type)) return;
    const input: NotifierInput = { installation };
    for (let tries = 1; ; tries++) {
      try {
        await client.connection.withDeadline(Date.now() + ANSWER_LIMIT_MS, () =>
          client.workflow.signalWithStart(NOTIFIER_WORKFLOW, {
            workflowId: notifierWorkflowId(installation),
            taskQueue: filesTaskQueue(installation),
            args: [input],
            signal: NOTICE_SIGNAL,
            signalArgs: [notice],
            memo: { [INSTALLATION_MEMO]: installation },
            staticSummary: 'notifications',
          }),
        );
        this.#hasTold = true;
        return;
      } catch (error) {
        if (tries < TRIES) await sleep(BETWEEN_MS);
        else {
          const { type, key } = notice;
          const reason = reasonOf(error);
          logger.warn({ event: 'notice_lost', type, key, reason }, `nobody is told of ${type}: ${reason}`);
          return;
        }
      }
    }
  }
}
