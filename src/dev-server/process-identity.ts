/**
 * Who a process is, beyond its ID: IDs are used again, in containers at once. The start time tells two holders of
 * an ID apart (on Windows the ID alone has to do). Processes of other hosts (another container on a shared folder) cannot be judged.
 */
import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import { processStart } from '../process-start.ts';
import { isErrno } from '../thrown.ts';

export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** When the process started, in the words of the system; '' where it does not say. */
  readonly born: string;
}

/** Undefined when no such process runs. */
export function identify(pid: number): ProcessIdentity | undefined {
  if (!exists(pid)) return undefined;
  if (process.platform === 'win32') return { pid, host: hostname(), born: '' };
  if (process.platform !== 'linux') return { pid, host: hostname(), born: startTimeByPs(pid) };
  const born = processStart(pid);
  return born === undefined ? undefined : { pid, host: hostname(), born };
}

/** Whether that very process still runs here. Of another host: false. */
export function isRunning(identity: ProcessIdentity): boolean {
  return identity.host === hostname() && identify(identity.pid)?.born === identity.born;
}

/** The same, cheap enough to be asked all the time: where asking the system for a start time costs a process, the ID has to do. */
export function seemsRunning(identity: ProcessIdentity): boolean {
  return process.platform === 'linux' ? isRunning(identity) : exists(identity.pid);
}

/** For what was read from a file. */
export function isProcessIdentity(value: unknown): value is ProcessIdentity {
  const identity = value as Partial<ProcessIdentity> | null;
  return (
    typeof identity === 'object' &&
    Number.isInteger(identity?.pid) &&
    (identity?.pid ?? 0) > 0 &&
    typeof identity?.host === 'string' &&
    typeof identity.born === 'string'
  );
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isErrno(error, 'EPERM');
  }
}

function startTimeByPs(pid: number): string {
  return spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).stdout?.trim() ?? '';
}
