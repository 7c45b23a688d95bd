import { describe, expect, onTestFinished, test } from 'vitest';
import { Monitoring } from '../../src/monitoring/monitoring.ts';
import { AccessWatch } from '../../src/temporal/access-watch.ts';

const grpc = (code: number, details: string): Error =>
  Object.assign(new Error(`${code} ${details}`), { code, details, metadata: {} });
const polls = (failures: Readonly<Record<string, number>>): string =>
  Object.entries(failures)
    .map(
      ([status, count]) =>
        `temporal_long_request_failure_total{namespace="acme",operation="PollActivityTaskQueue",status_code="${status}",task_queue="q"} ${count}\n`,
    )
    .join('');

function watched() {
  const scene = { nowMs: 0, sdk: '', found: undefined as Error | undefined, lines: [] as string[] };
  const monitoring = new Monitoring();
  monitoring.sdk = async () => scene.sdk;
  const say = (level: string) => (fields: { event: string; kind: string }, text: string) =>
    scene.lines.push(`${level} ${fields.event} ${fields.kind}: ${text}`);
  const watch = new AccessWatch({
    ...{ address: 'temporal:7233', namespace: 'acme', monitoring, nowMs: () => scene.nowMs },
    logger: { error: say('error'), info: say('info') } as never,
    probe: async () => {
      if (scene.found !== undefined) throw scene.found;
    },
  });
  onTestFinished(() => watch.close());
  const later = async (ms: number): Promise<void> => {
    scene.nowMs += ms;
    await watch.look();
  };
  return { scene, watch, later, monitoring };
}

describe('the watch over the access to Temporal', () => {
  test.each([
    [
      'PERMISSION_DENIED',
      7,
      'permission_denied',
      'Request unauthorized.',
      /the right to read and write in namespace acme/,
    ],
    ['UNAUTHENTICATED', 16, 'unauthenticated', 'the API key has expired', /TEMPORAL_API_KEY/],
    ['NOT_FOUND', 5, 'namespace_unknown', 'Namespace acme is not found.', /namespace create --namespace acme/],
  ])(
    'polls that end with %s, which the SDK tells nobody, are one line with what to do',
    async (status, code, kind, words, advice) => {
      const { scene, watch, later, monitoring } = watched();
      await later(5_000);
      scene.sdk = polls({ [status]: 10 });
      scene.found = grpc(code, words);
      await later(5_000);
      await later(5_000);
      expect(scene.lines).toHaveLength(1);
      expect(scene.lines[0]).toContain(`error temporal_trouble ${kind}: Temporal at temporal:7233`);
      expect(scene.lines[0]).toContain(words);
      expect(scene.lines[0]).toMatch(advice);
      expect(watch.standing).toContain(words);
      expect(watch.polls).not.toBe('ok');
      expect((await monitoring.figures()).text).toContain(`wds_temporal_trouble{kind="${kind}"} 1`);
      scene.found = undefined;
      await later(20_000);
      expect(scene.lines[1]).toContain(`info temporal_trouble_over ${kind}`);
      expect([watch.standing, watch.polls]).toEqual(['ok', 'ok']);
    },
  );

  test('polls that are refused while other calls are taken are said, too', async () => {
    const { scene, watch, later } = watched();
    scene.sdk = polls({ PERMISSION_DENIED: 2 });
    await later(5_000);
    expect(scene.lines).toMatchObject([expect.stringContaining('its polls are refused')]);
    // Refused again every ten seconds, as it is tried.
    scene.sdk = polls({ PERMISSION_DENIED: 4 });
    await later(10_000);
    expect(watch.polls).not.toBe('ok');
    expect(scene.lines).toHaveLength(1);
  });

  test('a server that is away for a moment is no news; one that stays away is', async () => {
    const { scene, watch, later } = watched();
    scene.found = grpc(14, 'connect ECONNREFUSED 10.0.0.7:7233');
    expect(watch.tell(scene.found)).toBe(true);
    await later(5_000);
    expect(scene.lines).toEqual([]);
    await later(6_000);
    expect(scene.lines).toMatchObject([expect.stringContaining('connect ECONNREFUSED 10.0.0.7:7233')]);
    scene.found = undefined;
    await later(5_000);
    expect(scene.lines).toHaveLength(2);
  });

  test('a call that takes too long has the service asked: a hung server is said, a worker that is missing is not', async () => {
    const { scene, watch, later } = watched();
    expect(watch.tell(grpc(4, 'Deadline exceeded'))).toBe(false);
    await later(5_000);
    expect(scene.lines).toEqual([]);
    watch.tell(grpc(4, 'Deadline exceeded'));
    scene.found = grpc(4, 'Deadline exceeded after 3.000s');
    await later(5_000);
    await later(11_000);
    expect(scene.lines).toMatchObject([expect.stringContaining('unreachable')]);
  });

  test('what is not found or refused for other reasons is no matter of access', () => {
    const { scene, watch } = watched();
    expect(watch.tell(grpc(5, 'workflow not found for ID: governor-crm'))).toBe(false);
    expect(watch.tell(grpc(3, 'invalid argument'))).toBe(false);
    expect(watch.tell(new Error('store'))).toBe(false);
    expect(scene.lines).toEqual([]);
  });
});
