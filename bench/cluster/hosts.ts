/**
 * Hosts that are namespaces of this machine's kernel: each with an address, mounts, process IDs and a name of its own, on two cables. By
 * `service` it reaches Temporal, by `world` the receiver. Linux, as root, inside of `apart` only: there is no way out of that, so nothing
 * but these hosts can be sent to, and the kernel takes everything down with it.
 */
import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { until } from '../rates-system.ts';

const APART = 'WDS_BENCH_APART';
/** The cables, each with the first three numbers of its addresses. 192.0.2 and 198.51.100 are nobody's (RFC 5737). */
const CABLES = { service: '192.0.2', world: '198.51.100' } as const;
export type Cable = keyof typeof CABLES;

/** Runs this very program again in namespaces of its own, whose first process it is, and ends with its exit code. Inside: lays the cables. */
export function apart(): void {
  if (process.env[APART] === undefined) {
    const args = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', process.execPath];
    const child = spawn('unshare', [...args, ...process.argv.slice(1)], {
      stdio: 'inherit',
      env: { ...process.env, [APART]: '1' },
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill('SIGKILL'));
    child.once('error', (error) => {
      console.error(`namespaces cannot be made: ${error.message}`);
      process.exit(1);
    });
    child.once('exit', (code) => process.exit(code ?? 1));
    return;
  }
  ip('link', 'set', 'lo', 'up');
  for (const [cable, net] of Object.entries(CABLES)) {
    ip('link', 'add', cable, 'type', 'bridge');
    ip('addr', 'add', `${net}.1/24`, 'dev', cable);
    ip('link', 'set', cable, 'up');
  }
}

export const isApart = (): boolean => process.env[APART] !== undefined;

/** A process on a host. `pid` is its ID seen from here. */
export interface Remote {
  readonly pid: number;
  readonly child: ChildProcess;
}

export interface Command {
  readonly args: readonly [string, ...string[]];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Output goes here; left out: it is read by `run`. */
  readonly log?: string;
}

export class Host {
  readonly name: string;
  readonly #number: number;
  readonly #init: ChildProcess;
  readonly #initPid: number;

  private constructor(name: string, number: number, init: ChildProcess, initPid: number) {
    this.name = name;
    this.#number = number;
    this.#init = init;
    this.#initPid = initPid;
  }

  /** `number`: the last of its addresses, from 2 on. */
  static async boot(name: string, number: number): Promise<Host> {
    const args = ['--net', '--mount', '--pid', '--uts', '--fork', '--kill-child', '--mount-proc', 'sleep', 'infinity'];
    const init = spawn('unshare', args, { stdio: 'ignore' });
    const initPid = await childOf(init, 'sleep');
    const host = new Host(name, number, init, initPid);
    host.run(['hostname', name]);
    host.run(['ip', 'link', 'set', 'lo', 'up']);
    for (const [cable, net] of Object.entries(CABLES)) {
      const plug = `${cable}${number}`;
      ip('link', 'add', plug, 'type', 'veth', 'peer', 'name', cable, 'netns', String(initPid));
      ip('link', 'set', plug, 'master', cable, 'up');
      host.run(['ip', 'addr', 'add', `${net}.${number}/24`, 'dev', cable]);
      host.run(['ip', 'link', 'set', cable, 'up']);
    }
    return host;
  }

  address(cable: Cable): string {
    return `${CABLES[cable]}.${this.#number}`;
  }

  /** Pulled, a cable loses what is sent over it without a word. */
  plug(cable: Cable, isIn: boolean): void {
    ip('link', 'set', `${cable}${this.#number}`, isIn ? 'up' : 'down');
  }

  /** What `folder` holds is at `at` too, as a mounted share is. */
  mount(folder: string, at: string): void {
    this.run(['mount', '--bind', folder, at]);
  }

  /** Lazily, as it has to be where files are open. */
  unmount(at: string): void {
    this.run(['umount', '--lazy', at]);
  }

  /** Waits for its end. Throws with its words when it fails. */
  run(args: readonly [string, ...string[]]): string {
    return execFileSync('nsenter', [...this.#enter(), ...args], { encoding: 'utf8', stdio: 'pipe' });
  }

  async start(command: Command): Promise<Remote> {
    const { args, cwd = '/', env = {}, log } = command;
    const out = log === undefined ? 'pipe' : openSync(log, 'a');
    const child = spawn('nsenter', [...this.#enter(), 'env', `--chdir=${cwd}`, ...args], {
      stdio: ['ignore', out, out],
      env: { ...process.env, ...env },
    });
    return { child, pid: await childOf(child) };
  }

  /** As a loss of its power: all of its processes are gone at once. */
  async kill(): Promise<void> {
    const gone = once(this.#init, 'exit');
    process.kill(this.#initPid, 'SIGKILL');
    await gone;
    // The kernel takes them away by itself, but later than the next host of this number may want their names.
    for (const cable of Object.keys(CABLES)) spawnSync('ip', ['link', 'del', `${cable}${this.#number}`]);
  }

  #enter(): string[] {
    return ['--target', String(this.#initPid), '--net', '--mount', '--pid', '--uts', '--'];
  }
}

/** SIGTERM unless told otherwise, and SIGKILL when it is still there after `graceMs`. */
export async function end({ pid, child }: Remote, signal: NodeJS.Signals = 'SIGTERM', graceMs = 40_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  process.kill(pid, signal);
  const late = setTimeout(() => process.kill(pid, 'SIGKILL'), graceMs);
  await exited;
  clearTimeout(late);
}

function ip(...args: string[]): void {
  execFileSync('ip', args);
}

/** The child that `unshare` or `nsenter` has forked, once it runs `program`. */
async function childOf({ pid }: ChildProcess, program?: string): Promise<number> {
  let child = 0;
  await until(
    () => {
      try {
        child = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0]);
        return child > 0 && (program ?? comm(child)) === comm(child);
      } catch {
        return false;
      }
    },
    `${pid} has a process in its namespaces`,
    10_000,
  );
  return child;
}

const comm = (pid: number): string => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
