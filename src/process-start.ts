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
