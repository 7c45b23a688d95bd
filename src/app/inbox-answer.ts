/** What an uploader is told in the inbox about a file that has ended (intake/answers.ts). */
import { isAllDelivered } from '../domain/counts.ts';
import { Fault } from '../domain/failure.ts';
import { fileWorkflowId } from '../domain/names.ts';
import { countsText } from '../domain/progress/counts-text.ts';
import type { FileAnswer } from '../intake/answers.ts';
import type { Submission } from '../intake/takers.ts';
import type { Installation } from '../temporal/installation.ts';
import { inFull } from './follow.ts';

/** Of one endpoint. */
interface EndpointAnswer {
  readonly refusal: string | undefined;
  readonly result: {
    readonly endpoint: string;
    readonly state: string;
    readonly endedAt: string;
    readonly text?: string;
  };
}

/**
 * Where a file was delivered to several endpoints its result has that of each, in `endpoints`. undefined: Temporal does not tell of one of them.
 */
export async function inboxAnswer(
  installation: Pick<Installation, 'deliveries' | 'store'>,
  endpoints: readonly string[],
  submission: Submission,
  signal: AbortSignal,
): Promise<FileAnswer | undefined> {
  const asked = endpoints.map((endpoint) => endpointAnswer(installation, endpoint, submission, signal));
  const answers = (await Promise.all(asked)).filter((answer) => answer !== undefined);
  if (answers.length < endpoints.length) return undefined;
  return answers.length === 1 ? answers[0] : together(submission, answers);
}

function together({ staged, fileName: file }: Submission, answers: readonly EndpointAnswer[]): FileAnswer {
  const states = new Set(answers.map(({ result }) => result.state));
  const endedAt = answers
    .map(({ result }) => result.endedAt)
    .sort()
    .at(-1);
  const of = { file, sha256: staged.sha256, endedAt, state: states.size === 1 ? [...states][0] : 'failed' };
  const result = { ...of, endpoints: answers.map((answer) => answer.result) };
  const refused = answers.filter(({ refusal }) => refusal !== undefined);
  if (refused.length === answers.length) {
    return { refusal: [...new Set(answers.map(({ refusal }) => refusal))].join('\n'), result };
  }
  if (refused.length === 0) return { refusal: undefined, result };
  const whys = refused.map((answer) => `Endpoint ${answer.result.endpoint}: ${answer.refusal}`);
  const others = answers.filter((answer) => !refused.includes(answer)).map((answer) => answer.result.endpoint);
  const next = refused.map((answer) => `wds send FILE --endpoint ${answer.result.endpoint}`).join('; ');
  const taken = `It was delivered to ${others.join(', ')}, and is in processed. Dropped here again, a mended file would be new to all of them: send it by itself: ${next}`;
  return { refusal: undefined, partly: [...whys, taken].join('\n'), result };
}

/** undefined: Temporal does not tell. */
async function endpointAnswer(
  { deliveries, store }: Pick<Installation, 'deliveries' | 'store'>,
  endpoint: string,
  { staged: { sha256 }, fileName: file }: Submission,
  signal: AbortSignal,
): Promise<EndpointAnswer | undefined> {
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
