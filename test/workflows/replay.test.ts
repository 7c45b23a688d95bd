/**
 * Workflows that were begun by an earlier release must be able to go on: the histories that each release recorded
 * (test/e2e/histories.test.ts says how) replay against the workflows as they are now.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildWorkflows, replay } from './replaying.ts';

const FOLDER = 'test/histories';
/** The ways in which a delivery, and a governor, can go, and the first release of each. */
const WAYS: Readonly<Record<string, string>> = {
  continued: '0.1.0',
  failed: '0.1.0',
  governor: '0.1.0',
  'governor-resumed': '0.1.0',
  plain: '0.1.0',
  resumed: '0.1.0',
  retried: '0.1.0',
};
const isBefore = (a: string, b: string): boolean => a.localeCompare(b, 'en', { numeric: true }) < 0;

interface Recorded {
  readonly events: readonly {
    readonly activityTaskScheduledEventAttributes?: { readonly activityType: { name: string } };
    /** Local activities leave markers. */
    readonly markerRecordedEventAttributes?: {
      readonly details: Readonly<Record<string, { readonly payloads: readonly { data: string }[] }>>;
    };
  }[];
}

const releases = readdirSync(FOLDER);
const histories = releases.flatMap((release) => readdirSync(join(FOLDER, release)).map((name) => join(release, name)));
const read = (name: string): Recorded => JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Recorded;

beforeAll(buildWorkflows);

describe('a recorded history', () => {
  it.each(releases)('is there for each way in which a workflow of %s can go', (release) => {
    const names = readdirSync(join(FOLDER, release)).map((name) => name.replace(/\.json$/, ''));
    const ways = Object.keys(WAYS).filter((way) => !isBefore(release, WAYS[way]!));
    expect(names.sort()).toEqual(ways.sort());
  });

  it.each(histories)('%s replays', async (name) => {
    await expect(replay(read(name), name)).resolves.toBeUndefined();
  });

  it.each(releases)('of a delivery of %s that is not what the workflow does is told apart', async (release) => {
    const tampered = read(`${release}/plain.json`);
    const scheduled = tampered.events.flatMap(({ activityTaskScheduledEventAttributes: one }) => one ?? []);
    scheduled[0]!.activityType.name = 'writeReport';
    await expect(replay(tampered, 'tampered')).rejects.toThrow(DeterminismViolationError);
  });

  it.each(releases)('of a governor of %s that is not what the workflow does is told apart', async (release) => {
    const tampered = read(`${release}/governor.json`);
    const markers = tampered.events.flatMap(
      ({ markerRecordedEventAttributes: one }) => one?.details.data?.payloads ?? [],
    );
    const marker = markers[0]!;
    const text = Buffer.from(marker.data, 'base64').toString('utf8');
    expect(text).toContain('"applyTaskQueueRate"');
    marker.data = Buffer.from(text.replace('"applyTaskQueueRate"', '"applyAnother"')).toString('base64');
    await expect(replay(tampered, 'tampered')).rejects.toThrow(DeterminismViolationError);
  });
});
