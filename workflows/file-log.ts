/** What the log is told of a file's workflow, by whichever worker runs it, once: not when it is played again. */
import { log } from '@temporalio/workflow';
import type { FileWorkflowInput } from '../src/domain/contracts.ts';
import type { Closed } from '../src/domain/restraint/schedule.ts';

export function logOrder({ fileName, sha256, endpoint }: FileWorkflowInput, paused: boolean): void {
  const fields = { file: fileName, sha256, endpoint };
  if (paused) log.warn('paused by an operator', { event: 'file_paused', ...fields });
  else log.warn('resumed by an operator', { event: 'file_resumed', ...fields });
}

export function logClosed({ fileName, sha256, endpoint }: FileWorkflowInput, closed: Closed | undefined): void {
  const fields = { file: fileName, sha256, endpoint };
  if (closed === undefined) log.info('it is time: it goes on', { event: 'file_opened', ...fields });
  else {
    const until = new Date(closed.opensMs).toISOString();
    log.info(`waiting: ${closed.text}, until ${until}`, {
      event: 'file_closed',
      ...fields,
      reason: closed.text,
      until,
    });
  }
}

export function logDecision({ fileName, sha256, endpoint }: FileWorkflowInput, what: string): void {
  log.warn(`waiting for a decision: ${what}`, { event: 'decision_waiting', file: fileName, sha256, endpoint });
}
