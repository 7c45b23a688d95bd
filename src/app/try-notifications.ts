/** `wds notify --test`: sends a notification by each way that is configured, once, and tells what came of it. Needs no Temporal. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Settings } from '../config/settings.ts';
import { Fault } from '../domain/failure.ts';
import { TEST_TYPE } from '../domain/notices/notice.ts';
import type { NoticeWay, Notification } from '../domain/notices/notifier-contracts.ts';
import { NOTICE_WAYS } from '../domain/notices/notifier-contracts.ts';
import { waysOf } from '../notify/ways.ts';

/** Exactly what `-o json` prints for a way. */
export interface NotificationTry {
  readonly way: NoticeWay;
  /** Whom it went to, as far as that may be shown: the host of the URL, or the program. */
  readonly to: string;
  readonly ok: boolean;
  /** What came back, or why nothing did. */
  readonly answer: string;
  readonly seconds: number;
}

export type TryNotifications = (settings: Settings) => Promise<readonly NotificationTry[]>;

/** Throws Fault `config` where nobody is to be told. */
export const tryNotifications: TryNotifications = async ({ notify, home }) => {
  const ways = waysOf(notify);
  if (notify === undefined || Object.keys(ways).length === 0) {
    throw new Fault(
      'config',
      'nobody is notified: neither notify.url nor notify.command is set',
      'Set one in wds.config.yaml, or WDS_NOTIFY_URL or WDS_NOTIFY_COMMAND.',
    );
  }
  const timestamp = new Date().toISOString();
  const text = `wds notify --test on ${hostname()}: if you read this, notifications of ${home} reach you`;
  const data = { installation: 'test', subject: home, count: 1, files: [], details: null };
  const notification: Notification = {
    id: `wds_${randomUUID()}`,
    body: { type: TEST_TYPE, timestamp, text, data },
  };
  const to = { url: notify.url === undefined ? '' : new URL(notify.url).host, command: programOf(notify.command) };
  const tries = NOTICE_WAYS.map(async (way): Promise<NotificationTry[]> => {
    const send = ways[way];
    if (send === undefined) return [];
    const startedMs = performance.now();
    const { ok, answer } = await send(notification).then(
      (said) => ({ ok: true, answer: said }),
      (error: Error) => ({ ok: false, answer: error.message }),
    );
    return [{ way, to: to[way], ok, answer, seconds: Math.round(performance.now() - startedMs) / 1_000 }];
  });
  return (await Promise.all(tries)).flat();
};

/** Of a command line for the shell its first word: what follows may hold secrets. */
function programOf(command: readonly string[] = []): string {
  const [program = '', flag, line = ''] = command;
  return program === '/bin/sh' && flag === '-c' ? (line.trim().split(/\s/)[0] ?? '') : program;
}
