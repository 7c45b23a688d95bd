import { describe, expect, it } from 'vitest';
import { closedCircuit, observed, probeIntervalMs, withProbe } from '../../../src/domain/governor/circuit.ts';
import type { BadRun, LeaseRequest } from '../../../src/domain/governor/contract.ts';
import { RENEW_MS } from '../../../src/domain/governor/contract.ts';
import type { GovernorState } from '../../../src/domain/governor/governor.ts';
import { decide, newGovernor } from '../../../src/domain/governor/governor.ts';

const QUIET: Omit<LeaseRequest, 'workerId'> = {
  ...{ demandPerSecond: null, sent: 100, delivered: 0, elapsedMs: 5_000, brake: null, badRun: null },
  ...{ latencyMs: null, ceilingPerSecond: null },
};
const FAILED: BadRun = { kind: 'failure', count: 10, alerts: true };

function tell(state: GovernorState, workerId: string, nowMs: number, seen: Partial<LeaseRequest>): GovernorState {
  return decide(state, { type: 'lease', request: { ...QUIET, workerId, ...seen } }, nowMs).state;
}

describe('the circuit', () => {
  const fresh = newGovernor({ rate: 100, batchSize: 100 }, 0);

  it('opens for ten different alerts that failed, and for as many of an earlier build', () => {
    for (const badRun of [FAILED, { kind: 'failure', count: 10 } as const]) {
      expect(tell(fresh, 'a', 1_000, { badRun }).circuit.name).toBe('open');
    }
  });

  it('stays closed while another worker gets through, and opens when that is over', () => {
    const well = tell(fresh, 'b', 1_000, { delivered: 50 });
    const doubtful = tell(well, 'a', 2_000, { badRun: FAILED });
    expect(doubtful.circuit).toMatchObject({ name: 'closed', run: { count: 10 } });
    const later = tell(doubtful, 'a', 2_000 + RENEW_MS, { badRun: { ...FAILED, count: 1 } });
    expect(later.circuit).toMatchObject({ name: 'open', run: { count: 11 } });
  });

  it('opens at once where the other one has failures, too, or where it was the same worker that got through before', () => {
    const both = tell(tell(fresh, 'b', 1_000, { delivered: 50 }), 'b', 1_500, { badRun: { ...FAILED, count: 3 } });
    expect(tell(both, 'a', 2_000, { badRun: FAILED }).circuit.name).toBe('open');
    expect(tell(tell(fresh, 'a', 1_000, { delivered: 50 }), 'a', 2_000, { badRun: FAILED }).circuit.name).toBe('open');
  });

  it('is judged as before where an earlier build reports, whatever others do', () => {
    const well = tell(fresh, 'b', 1_000, { delivered: 50 });
    expect(tell(well, 'a', 2_000, { badRun: { kind: 'failure', count: 10 } }).circuit.name).toBe('open');
  });

  it('probes rarely while there are fresh alerts, and sooner where all that is left are last tries', () => {
    let open = observed(closedCircuit(0), 0, FAILED, 0);
    for (let probes = 0; probes < 8; probes++) open = withProbe(open);
    expect([probeIntervalMs(open), probeIntervalMs(open, true)]).toEqual([15_000, 4_000]);
    const unanswered = observed(closedCircuit(0), 0, { ...FAILED, unanswered: true }, 0);
    expect(probeIntervalMs(unanswered, true)).toBe(30_000);
  });
});
