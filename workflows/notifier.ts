/**
 * One for each installation: is told of events, gathers those that have one cause, and sees to it that each notification gets through, for a day at most. It
 * is apart from deliveries: whatever becomes of a notification, no file waits for it or fails by it.
 */
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  log,
  proxyActivities,
  setHandler,
  uuid4,
} from '@temporalio/workflow';
import { filesTaskQueue, HURRY_SIGNAL, NOTICE_SIGNAL, OPEN_QUERY } from '../src/domain/names.ts';
import type { Notice } from '../src/domain/notices/notice.ts';
import { NoticeBox } from '../src/domain/notices/notice-box.ts';
import type { NotifierActivities, NotifierInput, SendNoticeInput } from '../src/domain/notices/notifier-contracts.ts';
import { NOTICE_WAYS } from '../src/domain/notices/notifier-contracts.ts';
import { historyIsLong } from './next-run.ts';

export const noticeSignal = defineSignal<[Notice]>(NOTICE_SIGNAL);
export const hurrySignal = defineSignal(HURRY_SIGNAL);
export const openQuery = defineQuery<number>(OPEN_QUERY);

const MAX_HISTORY_EVENTS = 2_000;
/** Notifications under way at once; beyond these events are gathered for longer. */
const MOST_OPEN = 20;

export async function notifier({ installation, box: carried, open: begun = [] }: NotifierInput): Promise<never> {
  const box = new NoticeBox(carried, Date.now());
  const open = new Map<string, SendNoticeInput>();
  setHandler(noticeSignal, (notice) => box.take(notice, Date.now()));
  setHandler(hurrySignal, () => box.hurry(Date.now()));
  setHandler(openQuery, () => box.waiting + open.size);

  const { sendNotice } = proxyActivities<NotifierActivities>({
    taskQueue: filesTaskQueue(installation),
    startToCloseTimeout: '10 minutes',
    scheduleToCloseTimeout: '24 hours',
    retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '10 minutes' },
  });
  const send = async (input: SendNoticeInput): Promise<void> => {
    const name = `${input.id} ${input.way}`;
    open.set(name, input);
    try {
      await sendNotice(input);
    } catch (error) {
      const { id, way, body } = input;
      const reason =
        error instanceof Error ? (error.cause instanceof Error ? error.cause : error).message : String(error);
      log.warn(`a notification was given up: ${reason}`, {
        event: 'notification_lost',
        id,
        way,
        type: body.type,
        reason,
      });
    }
    open.delete(name);
  };
  for (const input of begun) void send(input);

  const isLong = (): boolean => historyIsLong(MAX_HISTORY_EVENTS);
  const isDue = (): boolean => open.size < MOST_OPEN && (box.nextMs ?? Number.POSITIVE_INFINITY) <= Date.now();
  while (!isLong()) {
    const nextMs = open.size < MOST_OPEN ? box.nextMs : undefined;
    if (nextMs === undefined) await condition(() => (box.nextMs !== undefined && open.size < MOST_OPEN) || isLong());
    else if (!isDue())
      await condition(() => isDue() || isLong() || box.nextMs !== nextMs, Math.max(1, nextMs - Date.now()));
    if (!isDue()) continue;
    for (const body of box.due(Date.now(), installation)) {
      const id = `wds_${uuid4()}`;
      for (const way of NOTICE_WAYS) void send({ installation, id, body, way });
    }
  }
  await condition(allHandlersFinished);
  return continueAsNew<typeof notifier>({ installation, box: box.state, open: [...open.values()] });
}
