/** When a process started: tells two processes apart that had the same ID one after the other. */
import { readFileSync } from 'node:fs';

/** Linux: in clock ticks since boot. undefined: there is no such process, only a corpse of it, or no /proc. */
export function processStart(pid: number | 'self'): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in parentheses may hold anything; fields are counted from behind it: state is field 3, starttime field 22 of proc(5).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** Of the units of /proc, on every architecture that Node runs on. */
const TICKS_A_SECOND = 100;

/** A process that has waited for longer to run has not: its /proc tells other times. */
const LONGEST_WAIT_MS = 60_000;

/**
 * When this process was started, as time of day in milliseconds. From /proc, where there is one that can be believed: Node's own `timeOrigin` is
 * when it got to run, which on a busy machine is seconds later.
 */
export function startedMs(): number {
  const ticks = processStart('self');
  if (ticks === undefined) return performance.timeOrigin;
  const upSeconds = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]);
  const born = Date.now() - upSeconds * 1_000 + (Number(ticks) * 1_000) / TICKS_A_SECOND;
  const waitedMs = performance.timeOrigin - born;
  return waitedMs > 0 && waitedMs < LONGEST_WAIT_MS ? born : performance.timeOrigin;
}
