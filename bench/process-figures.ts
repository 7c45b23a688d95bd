/** What the kernel says of processes that a bench has started (proc(5)). */
import { readFile } from 'node:fs/promises';

/** User and system time so far, of all threads, in seconds. After the name, which may hold spaces, the 14th and 15th field count ticks of 10 ms. */
export async function cpuSeconds(pid: number | undefined): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** `RSS`: now; `HWM`: the most so far. In MiB. */
export async function memoryMiB(pid: number | undefined, what: 'RSS' | 'HWM'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`Vm${what}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
}
