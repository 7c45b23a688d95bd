/** The ways by which the configuration says that somebody is to be told. */
import type { NotifySettings } from '../config/settings.ts';
import type { NoticeWay, Notification } from '../domain/notices/notifier-contracts.ts';
import { createPost } from './post-notification.ts';
import { createCommand } from './run-command.ts';

type Signed = Pick<NotifySettings, 'secrets'>;
export type Ways = Partial<Record<NoticeWay, (notification: Notification) => Promise<string>>>;

/** undefined: nobody is. `signed`: with the secrets that hold when a notification is sent. */
export function waysOf(notify: NotifySettings | undefined, signed: Signed | undefined = notify): Ways {
  if (notify === undefined) return {};
  const { url, command, timeoutMs } = notify;
  const secrets = (): readonly string[] => signed?.secrets ?? [];
  return {
    ...(url === undefined ? {} : { url: createPost({ url, secrets, timeoutMs }) }),
    ...(command === undefined ? {} : { command: createCommand({ command, timeoutMs }) }),
  };
}
