/** The ways by which the configuration says that somebody is to be told. */
import type { NotifySettings } from '../config/settings.ts';
import type { NoticeWay, Notification } from '../domain/notices/notifier-contracts.ts';
import { createPost } from './post-notification.ts';
import { createCommand } from './run-command.ts';

export type Ways = Partial<Record<NoticeWay, (notification: Notification) => Promise<string>>>;

/** undefined: nobody is. */
export function waysOf(notify: NotifySettings | undefined): Ways {
  if (notify === undefined) return {};
  const { url, secrets, command, timeoutMs } = notify;
  return {
    ...(url === undefined ? {} : { url: createPost({ url, secrets, timeoutMs }) }),
    ...(command === undefined ? {} : { command: createCommand({ command, timeoutMs }) }),
  };
}
