/**
 * Whether the endpoint is there at all. Closed: normal. Open: nothing got through, so one worker probes, farther and farther apart.
 * Half-open: a probe got through; the rate is led back within RETURN_MS, and few failures open it again. Pure.
 */
import { illnessOf } from '../illness.ts';
import { doubled, WAITS } from '../waits.ts';
import type { BadRun, CircuitName } from './contract.ts';

export interface Circuit {
  readonly name: CircuitName;
  readonly sinceMs: number;
  /** Why it is open: passing failures, or the status that everything is refused with. */
  readonly reason: BadRun['kind'] | null;
  /** Like failures since the last success, over all workers. */
  readonly run: BadRun;
  /** Probes since it opened; they set the distance of the next. (The name is in the states of running governors.) */
  readonly sorties: number;
}

const RETURN_MS = 4_000;
const RETURN_FROM = 0.2;

export function closedCircuit(nowMs: number): Circuit {
  return { name: 'closed', sinceMs: nowMs, reason: null, run: { kind: 'failure', count: 0 }, sorties: 0 };
}

/** After a worker's report. `othersWell`: other workers have delivered lately, and have no failures since. */
export function observed(
  circuit: Circuit,
  delivered: number,
  badRun: BadRun | null,
  nowMs: number,
  othersWell = false,
): Circuit {
  if (circuit.name === 'open') {
    // A success before the failures is none.
    if (delivered === 0 || badRun !== null) return circuit;
    return { ...closedCircuit(nowMs), name: 'half-open', sorties: circuit.sorties };
  }
  const settled = circuit.name === 'half-open' && nowMs - circuit.sinceMs > 2 * RETURN_MS && delivered > 0;
  const base: Circuit = settled ? closedCircuit(nowMs) : circuit;
  const goesOn = delivered === 0 && badRun !== null && badRun.kind === base.run.kind;
  const run: BadRun = goesOn
    ? { ...base.run, ...badRun, count: base.run.count + badRun.count }
    : (badRun ?? (delivered > 0 ? closedCircuit(nowMs).run : base.run));
  if (illnessOf(run.kind, run.count, base.name === 'half-open') === undefined) return { ...base, run };
  // Whoever gets through proves the endpoint well, whatever happens to this worker.
  if (othersWell && badRun?.alerts && run.kind === 'failure') return { ...base, run };
  return { name: 'open', sinceMs: nowMs, reason: run.kind, run, sorties: Math.max(0, base.sorties - 1) };
}

/** A worker is about to probe. */
export function withProbe(circuit: Circuit): Circuit {
  return { ...circuit, sorties: circuit.sorties + 1 };
}

/** `lastTries`: whoever probes has no other alerts than those that were tried before, and each of them is to come to its end. */
export function probeIntervalMs(circuit: Circuit, lastTries = false): number {
  // Where each probe may leave an alert in doubt.
  if (circuit.run.unanswered) return WAITS.probeMs.whereUnanswered;
  const usualMs = doubled(WAITS.probeMs, circuit.sorties);
  return lastTries ? Math.min(usualMs, WAITS.probeMs.lastTries) : usualMs;
}

/** Part of the rate that may be used: a receiver that has just come back is not run over. */
export function returning(circuit: Circuit, atMs: number): number {
  if (circuit.name !== 'half-open') return 1;
  return Math.min(1, RETURN_FROM + ((1 - RETURN_FROM) * Math.max(0, atMs - circuit.sinceMs)) / RETURN_MS);
}
