/**
 * Loaded into wds's own processes (`node --import`), where nothing outside can do it: steps of the wall clock, and writes to the home that
 * fail for want of space. What is to happen is in the file that WDS_CHAOS_TROUBLE names, read every 100 ms; monotonic clocks are
 * left alone. Knows nothing of wds, and wds nothing of it.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

export interface Trouble {
  readonly offsetMs: number;
  /** Writes to files below this folder fail; undefined: none does. */
  readonly fullBelow?: string;
}

const REREAD_MS = 100;
const path = process.env.WDS_CHAOS_TROUBLE;
let trouble: Trouble = { offsetMs: 0 };

function reread(file: string): void {
  try {
    trouble = JSON.parse(fs.readFileSync(file, 'utf8')) as Trouble;
  } catch {
    // Not written yet, or just being replaced: as it was.
  }
}

function stepClock(): void {
  const RealDate = Date;
  const now = (): number => RealDate.now() + trouble.offsetMs;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    apply: () => new RealDate(now()).toString(),
    get: (target, key, receiver) => (key === 'now' ? now : Reflect.get(target, key, receiver)),
  });
}

function isFull(fd: number): boolean {
  if (trouble.fullBelow === undefined) return false;
  try {
    return fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith(trouble.fullBelow);
  } catch {
    return false;
  }
}

const noSpace = (): Error =>
  Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });

function failWrites(): void {
  const { writeSync } = fs;
  const failing = (fd: number, ...rest: unknown[]): number => {
    if (isFull(fd)) throw noSpace();
    return (writeSync as (...args: unknown[]) => number)(fd, ...rest);
  };
  fs.writeSync = failing as typeof writeSync;
  const { open } = fs.promises;
  fs.promises.open = async (...args: Parameters<typeof open>) => {
    const handle = await open(...args);
    const { appendFile, write } = handle;
    const guarded =
      (method: (...args: never[]) => Promise<unknown>) =>
      async (...rest: never[]) => {
        if (isFull(handle.fd)) throw noSpace();
        return method.apply(handle, rest);
      };
    return Object.assign(handle, {
      appendFile: guarded(appendFile),
      write: guarded(write),
      writeFile: guarded(handle.writeFile),
    });
  };
  syncBuiltinESMExports();
}

if (path !== undefined) {
  reread(path);
  setInterval(() => reread(path), REREAD_MS).unref();
  stepClock();
  failWrites();
}
