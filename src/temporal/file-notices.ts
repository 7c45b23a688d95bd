/** What whoever is to be notified is told of files, by the files worker; and the activities of the notifier. */
import type { RefusedFile } from '../../activities/refusals.ts';
import { createSendNotice } from '../../activities/send-notice.ts';
import type { WriteReportInput } from '../domain/contracts.ts';
import type { FileSummary } from '../domain/counts.ts';
import type { Notice } from '../domain/notices/notice.ts';
import { noticeOfRefusal, noticesOfEnd } from '../domain/notices/notice.ts';
import { WatchedSecrets } from '../notify/watched-secrets.ts';
import { waysOf } from '../notify/ways.ts';
import type { Notices } from './notices.ts';
import type { WorkerContext } from './worker.ts';

/** Why a file is refused whose rows were read. */
export const TOO_MANY =
  'Too many of its rows are invalid, or all. Mend the file and drop it again, or send it with --max-invalid.';

/** Its rows were read and found wanting; whoever was alerted by an earlier run lets it go on. */
export const isRefused = (round: number | string, { delivered, unconfirmed }: FileSummary): boolean =>
  round === 0 && delivered + unconfirmed === 0;

export const firstLine = ({ invalidReasons = [] }: FileSummary): number | undefined =>
  invalidReasons.length === 0 ? undefined : Math.min(...invalidReasons.map((reason) => reason.firstLine));

const now = (): string => new Date().toISOString();

export async function tellEnd(notices: Notices, input: WriteReportInput, summary: FileSummary): Promise<void> {
  if (!notices.wanted) return;
  const { fileName: file, endpoint, round } = input;
  if (isRefused(round, summary)) {
    const { sha256 } = summary;
    await notices.tell(noticeOfRefusal({ file, sha256, endpoint, reason: TOO_MANY, line: firstLine(summary) }, now()));
    return;
  }
  for (const notice of noticesOfEnd(input, summary, now())) await notices.tell(notice);
}

/** Where nobody knows which endpoint it is for, nobody can be told whose affair it is. */
export async function tellRefusal(notices: Notices, { endpoint, ...refused }: RefusedFile): Promise<void> {
  if (notices.wanted && endpoint !== undefined) await notices.tell(noticeOfRefusal({ ...refused, endpoint }, now()));
}

/** Until they are closed. */
export const noticeSecrets = ({ notify, logger }: Pick<WorkerContext, 'notify' | 'logger'>): WatchedSecrets =>
  new WatchedSecrets(notify, {
    onRenewed: () =>
      logger.info({ event: 'notify_secret_renewed' }, "notify's secret was read again: its file has changed"),
    onTrouble: (reason) =>
      logger.warn(
        { event: 'notify_secret_trouble', reason },
        "notify's secret cannot be read again; that of before is used",
      ),
  });

/** `sendNotice` for the notifier, `tellNotice` for workflows that have something to tell. */
export function noticeActivities({ notices, notify, logger }: WorkerContext, secrets: WatchedSecrets) {
  return {
    sendNotice: createSendNotice({
      ways: waysOf(notify, secrets),
      onSent: ({ id, way, body: { type, text } }, answer) =>
        logger.info({ event: 'notification_sent', id, way, type, answer }, `notified by ${way}: ${text}`),
    }),
    tellNotice: (notice: Notice) => notices.tell(notice),
  };
}
