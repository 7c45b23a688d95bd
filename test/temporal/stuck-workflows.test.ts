import { describe, expect, onTestFinished, test } from 'vitest';
import { Monitoring } from '../../src/monitoring/monitoring.ts';
import { StuckWorkflows } from '../../src/temporal/stuck-workflows.ts';

/** As the SDK writes it (1.24). */
const FAILURE =
  'Failure { failure: Some(Failure { message: "[TMPRL1100] Nondeterminism error: Timer machine does not handle this event: HistoryEvent(id: 5, ActivityTaskScheduled)", source: "" }), force_cause: NonDeterministicError }';

function scene(ids: Readonly<Record<string, string>>) {
  const lines: string[] = [];
  const stuckRuns = new Set(Object.keys(ids));
  const monitoring = new Monitoring();
  const say = (level: string) => (fields: { event: string }, text: string) =>
    lines.push(`${level} ${fields.event} ${text}`);
  const stuck = new StuckWorkflows({
    logger: { error: say('error'), info: say('info') } as never,
    metrics: monitoring.metrics,
    find: async (runId) => ids[runId],
    isStuck: async ({ runId }) => stuckRuns.has(runId),
  });
  onTestFinished(() => stuck.close());
  const shown = async () => /^wds_workflows_stuck (\d+)$/m.exec((await monitoring.figures()).text)?.[1];
  return { lines, stuck, stuckRuns, shown };
}

describe('a workflow whose history another version has written', () => {
  test('is one line that names it, the reason and what to do, however often it is tried; and one when it goes on', async () => {
    const { lines, stuck, stuckRuns, shown } = scene({ r1: 'file-3f2a-crm' });
    await stuck.found('r1', FAILURE);
    await stuck.found('r1', FAILURE);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^error workflow_not_replayable file-3f2a-crm cannot go on with this version/);
    expect(lines[0]).toContain('[TMPRL1100] Nondeterminism error: Timer machine');
    expect(lines[0]).toContain('temporal workflow reset --workflow-id file-3f2a-crm --type FirstWorkflowTask');
    expect(await shown()).toBe('1');
    await stuck.look();
    expect(lines).toHaveLength(1);
    stuckRuns.clear();
    await stuck.look();
    expect(lines[1]).toBe('info workflow_goes_on file-3f2a-crm goes on, or has ended');
    expect(await shown()).toBe('0');
  });

  test('a governor is given up for a new one, which costs what it had learned', async () => {
    const { lines, stuck } = scene({ r1: 'governor-crm' });
    await stuck.found('r1', FAILURE);
    expect(lines[0]).toContain('temporal workflow terminate --workflow-id governor-crm');
  });

  test('is told by its run where nobody knows its name', async () => {
    const { lines, stuck } = scene({});
    await stuck.found('r9', FAILURE);
    expect(lines[0]).toContain('run r9 cannot go on');
  });
});
