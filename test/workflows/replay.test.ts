/**
 * Deliveries that were begun by an earlier build must be able to go on: recorded histories (test/e2e/histories.test.ts says how they
 * were made) replay against the workflows as they are now.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildWorkflows, replay } from './replaying.ts';

const FOLDER = 'test/histories';

interface Recorded {
  readonly events: readonly {
    readonly activityTaskScheduledEventAttributes?: { readonly activityType: { name: string } };
  }[];
}

const names = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));
const read = (name: string): Recorded => JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Recorded;

beforeAll(buildWorkflows);

describe('a recorded history', () => {
  it('is there for each way in which a delivery can go', () => {
    expect(names.sort()).toEqual(['continued.json', 'failed.json', 'plain.json', 'resumed.json', 'retried.json']);
  });

  it.each(names)('%s replays', async (name) => {
    await expect(replay(read(name), name)).resolves.toBeUndefined();
  });

  it('that is not what the workflow does is told apart', async () => {
    const tampered = read('plain.json');
    const scheduled = tampered.events.flatMap(({ activityTaskScheduledEventAttributes: one }) => one ?? []);
    scheduled[0]!.activityType.name = 'writeReport';
    await expect(replay(tampered, 'tampered')).rejects.toThrow(DeterminismViolationError);
  });
});
