/** Sends one notification by one way. Repeated where it fails: who receives it knows it by its ID. */
import type { NoticeWay, Notification, SendNoticeInput } from '../src/domain/notices/notifier-contracts.ts';
import { notificationFailure } from './failures.ts';

export interface SendNoticeDependencies {
  /** Each resolves with what came of it, in words, and rejects with why it did not get through. Absent: nothing is configured for this way. */
  readonly ways: Partial<Record<NoticeWay, (notification: Notification) => Promise<string>>>;
  /** For the log. */
  onSent(input: SendNoticeInput, answer: string): void;
}

export function createSendNotice({ ways, onSent }: SendNoticeDependencies) {
  return async function sendNotice(input: SendNoticeInput): Promise<void> {
    const send = ways[input.way];
    if (send === undefined) return;
    try {
      onSent(input, await send(input));
    } catch (error) {
      throw notificationFailure(input.way, (error as Error).message);
    }
  };
}
