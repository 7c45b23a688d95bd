/** What an uploader is told in the inbox about a file that has ended (intake/answers.ts). */
import { isAllDelivered } from '../domain/counts.ts';
import { Fault } from '../domain/failure.ts';
import { fileWorkflowId } from '../domain/names.ts';
import { countsText } from '../domain/progress/counts-text.ts';
import type { FileAnswer } from '../intake/answers.ts';
import type { Submission } from '../intake/submission-queue.ts';
import type { Installation } from '../temporal/installation.ts';
import { inFull } from './follow.ts';

/** undefined: Temporal does not tell. */
export async function inboxAnswer(
  { deliveries, store }: Pick<Installation, 'deliveries' | 'store'>,
  endpoint: string,
  { staged: { sha256 }, fileName: file }: Submission,
  signal: AbortSignal,
): Promise<FileAnswer | undefined> {
  const end = await deliveries.untilEnded(fileWorkflowId(sha256, endpoint), signal);
  const of = { file, sha256, endpoint, endedAt: new Date().toISOString() };
  switch (end.kind) {
    case 'ended': {
      const { rows, alerts, delivered, rejected, undelivered, unconfirmed, invalid, duplicates } = end.summary;
      const { suppressed = 0 } = end.summary;
      const counts = { rows, alerts, delivered, rejected, undelivered, unconfirmed, suppressed, invalid, duplicates };
      const state = isAllDelivered(counts) ? 'completed' : 'failed';
      return { refusal: undefined, result: { ...of, state, text: countsText(counts), ...counts } };
    }
    case 'stopped':
      return { refusal: undefined, result: { ...of, state: end.how } };
    case 'failed': {
      const fault = await inFull(end.fault, sha256, store, endpoint);
      if (!(fault instanceof Fault)) return undefined;
      const isRefused = fault.code === 'file_refused';
      const text = [fault.message, ...(fault.nextStep === undefined ? [] : [fault.nextStep])].join('\n');
      const state = isRefused ? 'refused' : 'stopped';
      return { refusal: isRefused ? text : undefined, result: { ...of, state, text } };
    }
    case 'stopped_waiting':
      return undefined;
  }
}
