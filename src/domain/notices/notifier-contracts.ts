/** What crosses between the notifier, its activities, and whoever has something to tell. In histories: members are only added, and optional. */
import type { Notice } from './notice.ts';
import type { NoticeBoxState, NotificationBody } from './notice-box.ts';

/** The ways by which somebody is told; each is tried by itself. */
export const NOTICE_WAYS = ['url', 'command'] as const;
export type NoticeWay = (typeof NOTICE_WAYS)[number];

export interface Notification {
  /** The `webhook-id`: the same at each try. */
  readonly id: string;
  readonly body: NotificationBody;
}

export interface NotifierInput {
  readonly installation: string;
  /** Set by continue-as-new only. */
  readonly box?: NoticeBoxState;
  /** What an earlier run has begun to send, and by which way. */
  readonly open?: readonly SendNoticeInput[];
}

export interface SendNoticeInput extends Notification {
  readonly installation: string;
  readonly way: NoticeWay;
}

export interface NotifierActivities {
  sendNotice(input: SendNoticeInput): Promise<void>;
}

export interface NoticeActivities {
  tellNotice(notice: Notice): Promise<void>;
}
