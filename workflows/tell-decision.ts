/** Tells whoever is to be notified that a file waits for a decision. */
import { CancellationScope, patched, proxyLocalActivities, workflowInfo } from '@temporalio/workflow';
import type { FileWorkflowInput } from '../src/domain/contracts.ts';
import { noticeOfDecision } from '../src/domain/notices/notice.ts';
import type { NoticeActivities } from '../src/domain/notices/notifier-contracts.ts';

/** Patch: before, nobody was notified. */
const TELLS_DECISIONS = 'tells-decisions';

/** Does not wait, and never fails: the file waits anyway, and `wds status` says for what. */
export function tellDecision(input: FileWorkflowInput, asked: string): void {
  if (!patched(TELLS_DECISIONS)) return;
  const { tellNotice } = proxyLocalActivities<NoticeActivities>({
    startToCloseTimeout: '20s',
    retry: { maximumAttempts: 3 },
    summary: 'notify',
  });
  const at = new Date().toISOString();
  const notice = noticeOfDecision(input, asked, { runId: workflowInfo().runId, at });
  // The pause that comes with a decision cancels what is under way; not this.
  CancellationScope.nonCancellable(() => tellNotice(notice)).catch(() => undefined);
}
