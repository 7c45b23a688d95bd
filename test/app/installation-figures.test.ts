import { describe, expect, test } from 'vitest';
import { InstallationLook, showInbox, showSeen } from '../../src/app/installation-figures.ts';
import { Monitoring } from '../../src/monitoring/monitoring.ts';
import { ENDPOINT, FILE } from '../cli/fake-app.ts';

const linesOf = async (monitoring: Monitoring): Promise<string[]> =>
  (await monitoring.figures()).text.split('\n').filter((line) => line.startsWith('wds_'));

describe('the figures of an installation', () => {
  test('are files by state, alerts that wait, and governors', async () => {
    const running = { ...FILE, state: 'running', delivered: 250, pending: 1_000, seconds: 90 } as const;
    const held = { ...running, pending: 20, seconds: 30, waiting: { why: 'circuit', text: 'refused' } } as never;
    const stopped = {
      ...ENDPOINT,
      name: 'erp',
      governor: { ...ENDPOINT.governor!, ratePerSecond: null, paused: true },
    };
    const lost = { ...ENDPOINT, name: 'old', governor: null, served: false };
    const seen = { files: [running, held, FILE], endpoints: [ENDPOINT, stopped, lost] };
    const monitoring = new Monitoring();
    showSeen(monitoring.metrics, new InstallationLook(async () => seen));
    expect(await linesOf(monitoring)).toEqual(
      expect.arrayContaining([
        'wds_files{state="running"} 2',
        'wds_files{state="completed"} 1',
        'wds_alerts_pending 1020',
        'wds_files_waiting{why="circuit"} 1',
        'wds_oldest_file_seconds 90',
        'wds_endpoint_rate_limit_per_second{endpoint="crm"} 99',
        'wds_endpoint_rate_limit_per_second{endpoint="erp"} +Inf',
        'wds_endpoint_paused{endpoint="erp"} 1',
        'wds_endpoint_circuit_open{endpoint="crm"} 0',
        'wds_endpoint_senders{endpoint="crm"} 2',
        'wds_endpoint_served{endpoint="old"} 0',
      ]),
    );
  });

  test('are read at most every ten seconds, however many ask, and stay as they were where Temporal does not answer', async () => {
    let nowMs = 0;
    let reads = 0;
    let fails = false;
    const read = async () => {
      reads += 1;
      if (fails) throw new Error('UNAVAILABLE');
      return { files: [FILE], endpoints: [] };
    };
    const look = new InstallationLook(read, () => nowMs);
    await Promise.all([look.fresh(), look.fresh(), look.fresh()]);
    nowMs = 9_000;
    await look.fresh();
    expect(reads).toBe(1);
    fails = true;
    nowMs = 11_000;
    expect((await look.fresh()).files).toEqual([FILE]);
    expect(reads).toBe(2);
  });

  test('tell what waits in each inbox', async () => {
    const monitoring = new Monitoring();
    const files = { pendingFiles: 3, pendingBytes: 4_096, claimedFiles: 2, submittedFiles: 7 };
    const status = { ...files, failing: true, paused: 'the disk of the store is almost full' };
    showInbox(monitoring.metrics, '/srv/in', () => status);
    showInbox(monitoring.metrics, '/srv/other', () => ({ ...status, pendingFiles: 0 }));
    expect(await linesOf(monitoring)).toEqual(
      expect.arrayContaining([
        'wds_inbox_files{inbox="/srv/in",where="waiting"} 3',
        'wds_inbox_files{inbox="/srv/other",where="waiting"} 0',
        'wds_inbox_bytes{inbox="/srv/in"} 4096',
        'wds_inbox_failing{inbox="/srv/in"} 1',
        'wds_inbox_paused{inbox="/srv/in"} 1',
        'wds_files_submitted_total{inbox="/srv/in"} 7',
      ]),
    );
  });
});
