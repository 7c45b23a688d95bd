/** Tells whoever is to be notified what only the workflow knows: that a file waits for a decision, or ends without a report. */
import {
  ApplicationFailure,
  CancellationScope,
  patched,
  proxyLocalActivities,
  workflowInfo,
} from '@temporalio/workflow';
import type { FileWorkflowInput } from '../src/domain/contracts.ts';
import { FAILURE } from '../src/domain/names.ts';
import type { Notice } from '../src/domain/notices/notice.ts';
import { noticeOfDecision, noticeOfFailure } from '../src/domain/notices/notice.ts';
import type { NoticeActivities } from '../src/domain/notices/notifier-contracts.ts';

/** Patch: before, nobody was notified. */
const TELLS_DECISIONS = 'tells-decisions';
const TELLS_FAILURES = 'tells-failures';

const now = () => ({ runId: workflowInfo().runId, at: new Date().toISOString() });

/** Does not wait, and never fails: the file waits anyway, and `wds status` says for what. */
export function tellDecision(input: FileWorkflowInput, asked: string): void {
  // The pause that comes with a decision cancels what is under way; not this.
  if (patched(TELLS_DECISIONS))
    void CancellationScope.nonCancellable(() => tell(noticeOfDecision(input, asked, now())));
}

/** Of refusals the activity that refuses has told. */
export async function tellFailure(input: FileWorkflowInput, failure: unknown): Promise<void> {
  if (failure instanceof ApplicationFailure && failure.type === FAILURE.fileRefused) return;
  const reason = failure instanceof Error ? failure.message : String(failure);
  if (patched(TELLS_FAILURES)) await tell(noticeOfFailure(input, reason, now()));
}

async function tell(notice: Notice): Promise<void> {
  const { tellNotice } = proxyLocalActivities<NoticeActivities>({
    startToCloseTimeout: '20s',
    retry: { maximumAttempts: 3 },
    summary: 'notify',
  });
  try {
    await tellNotice(notice);
  } catch {
    // Whoever runs the activity has said so in the log.
  }
}
