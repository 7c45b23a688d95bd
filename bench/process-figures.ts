/** What the kernel says of processes that a bench has started (proc(5)). */
import { readdir, readFile, readlink } from 'node:fs/promises';

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

/** Ports at which it listens on IPv4. */
export async function listeningPorts(pid: number): Promise<number[]> {
  const links = (await readdir(`/proc/${pid}/fd`)).map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''));
  const own = new Set(await Promise.all(links));
  const lines = (await readFile('/proc/net/tcp', 'utf8')).trim().split('\n').slice(1);
  return lines.flatMap((line) => {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
    return state === '0A' && own.has(`socket:[${inode}]`) ? [Number.parseInt(local.split(':')[1]!, 16)] : [];
  });
}

/**
 * What Temporal Cloud would count as actions so far, by kind, as a server counts them by itself (its metric `action`); without those of the server's own
 * namespace.
 */
export async function actionsOf(serverPid: number): Promise<ReadonlyMap<string, number>> {
  for (const port of await listeningPorts(serverPid)) {
    const text = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(2_000) })
      .then((response) => response.text())
      .catch(() => '');
    const actions = new Map<string, number>();
    for (const [, kind = '', count] of text.matchAll(
      /^action\{action_type="([^"]+)",namespace="default",.*\} (\S+)$/gm,
    )) {
      const name = kind.replace(/^(command|grpc|message)_/, '');
      actions.set(name, (actions.get(name) ?? 0) + Number(count));
    }
    if (actions.size > 0) return actions;
  }
  throw new Error('the server has no metric of actions');
}
