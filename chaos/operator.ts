/**
 * The end of a round, as an operator brings it about: everything is well again, paused files go on, and `wds retry` sends what is missing.
 * Each wait has a limit; what is not over by then is told, for "ends without further help" is a promise.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { StatusReport } from '../src/app/app.ts';
import type { Deliveries } from './deliveries.ts';
import type { Site } from './site.ts';

const INBOX_LIMIT_MS = 60_000;
const RUNNING_LIMIT_MS = 120_000;
/** What is waited for is told this often. */
const SAY_EVERY_MS = 10_000;
const COMMAND_LIMIT_MS = 45_000;
const RETRY_LIMIT_SECONDS = 90;
/** A second one only where the first could not be given, or did not see its end. */
const RETRIES = 2;
/** All delivered; some refused for good; some unconfirmed. */
const ENDED: readonly (number | null)[] = [0, 3, 4];
const RUNNING = 'WorkflowType = "fileWorkflow" AND ExecutionStatus = "Running"';

export interface Settling {
  /** From the end of the faults until every file had ended by itself. */
  readonly ms: number;
  /** What did not come to its end, in words. */
  readonly overdue: readonly string[];
}

export async function settle(site: Site, say: (text: string) => void): Promise<Settling> {
  const startedMs = performance.now();
  const overdue: string[] = [];
  const within = async (what: string, limitMs: number, left: () => Promise<readonly string[]>): Promise<void> => {
    const deadline = performance.now() + limitMs;
    let names = await left();
    for (let sayAtMs = performance.now() + SAY_EVERY_MS; names.length > 0 && performance.now() < deadline; ) {
      await sleep(1_000);
      names = await left();
      if (performance.now() < sayAtMs || names.length === 0) continue;
      say(`${what}: ${names.join(', ')}`);
      sayAtMs += SAY_EVERY_MS;
    }
    if (names.length > 0) overdue.push(`${what} after ${limitMs / 1_000} s: ${names.join(', ')}`);
  };
  await within('not taken from the inbox', INBOX_LIMIT_MS, async () => site.premises.waiting());
  await site.wds(['endpoint', 'resume', 'crm'], COMMAND_LIMIT_MS);
  await resumePaused(site);
  await within('still running', RUNNING_LIMIT_MS, () => runningFiles(site));
  const ms = performance.now() - startedMs;
  say(`every file ended ${(ms / 1_000).toFixed(1)} s after the faults`);
  // Of a file whose workers were too busy to answer the first look did not tell that it is paused.
  await resumePaused(site);
  await retryAll(site, [], say);
  await within('still running after wds retry --all', RUNNING_LIMIT_MS, () => runningFiles(site));
  return { ms, overdue };
}

/** The operator's decision on all that is unconfirmed. */
export async function sendUnconfirmed(site: Site, deliveries: Deliveries, say: (text: string) => void): Promise<void> {
  for (const { sha256 } of deliveries.inputs) deliveries.pressed(sha256);
  await retryAll(site, ['--unconfirmed'], say);
}

async function retryAll(site: Site, flags: readonly string[], say: (text: string) => void): Promise<void> {
  for (let retry = 0; retry < RETRIES; retry++) {
    const args = ['retry', '--all', ...(retry === 0 ? flags : []), '--deadline', `${RETRY_LIMIT_SECONDS}`];
    const { code } = await site.wds(args, (RETRY_LIMIT_SECONDS + 30) * 1_000);
    say(`wds ${args.join(' ')}: exit ${code}`);
    if (ENDED.includes(code)) return;
  }
}

async function resumePaused(site: Site): Promise<void> {
  const { stdout } = await site.wds(['status', '-o', 'json', '--limit', '200'], COMMAND_LIMIT_MS);
  if (stdout.trim() === '') return;
  const { files } = JSON.parse(stdout) as StatusReport;
  for (const { sha256, state } of files) {
    if (state === 'paused') await site.wds(['resume', sha256], COMMAND_LIMIT_MS);
  }
}

async function runningFiles(site: Site): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { workflowId } of site.temporal.workflow.list({ query: RUNNING })) {
      names.push(`${workflowId.slice(0, 17)} (${await whyNot(site, workflowId)})`);
    }
  } catch (error) {
    return [`(Temporal does not tell: ${(error as Error).message})`];
  }
  return names;
}

/** What its activities wait for, as the Web UI tells it. */
async function whyNot(site: Site, workflowId: string): Promise<string> {
  const { raw } = await site.temporal.workflow.getHandle(workflowId).describe();
  const pending = (raw.pendingActivities ?? []).map(({ activityType, attempt, lastFailure }) =>
    [activityType?.name, `attempt ${attempt}`, lastFailure?.message].filter((word) => word).join(', '),
  );
  return pending.length === 0 ? 'nothing pending' : pending.slice(0, 3).join('; ');
}
