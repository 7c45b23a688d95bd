/** Errors of the system and of Temporal that a person can mend, as Faults: whoever shows an error asks here first. */
import { Fault } from './domain/failure.ts';
import { errnoOf, grpcErrorIn, reasonOf } from './thrown.ts';

/** By the code of a system error: what is wrong with a place, and what to do. */
const OF_PLACES: Readonly<Record<string, readonly [what: string, nextStep: string]>> = {
  ENOSPC: ['the disk is full', 'Free space on that disk, then run it again. Nothing that was delivered is lost.'],
  EDQUOT: ['the quota of the disk is used up', 'Free space there, or raise the quota, then run it again.'],
  EROFS: ['the file system is read-only', 'Make it writable, or choose another folder (--home).'],
  EACCES: ['permission denied', 'Run it as the user that owns it, or let this user read and write there.'],
  EPERM: ['not permitted', 'Run it as the user that owns it, or let this user read and write there.'],
  EIO: ['the disk or the mount fails', 'Look at the disk, the mount and the system’s log, then run it again.'],
  ESTALE: ['the mount is gone or was replaced', 'Mount it again, then run it again.'],
  ENOTCONN: ['the mount is gone', 'Mount it again, then run it again.'],
  ENAMETOOLONG: ['the name is too long', 'Choose a shorter one.'],
  ELOOP: ['its symbolic links go in a circle', 'Mend the links.'],
};

/** gRPC's DEADLINE_EXCEEDED. */
const LATE = 4;

const OF_PROCESSES: Readonly<Record<string, readonly [what: string, nextStep: string]>> = {
  EMFILE: ['too many files are open in this process', 'Raise its limit (ulimit -n), then run it again.'],
  ENFILE: ['too many files are open on this machine', 'Raise the limit (fs.file-max), then run it again.'],
  ENOMEM: ['there is no memory left', 'Free memory on this machine, then run it again.'],
};

/** undefined: only whoever wrote the code can tell. */
export function knownFault(error: unknown): Fault | undefined {
  if (error instanceof Fault) return error;
  const grpc = grpcErrorIn(error);
  if (grpc !== undefined) {
    const nextStep = 'See whether its server is well (wds doctor, and the server’s own log), then run it again.';
    const what = grpc.code === LATE ? 'Temporal does not answer' : 'Temporal does not do what it is asked';
    return new Fault('temporal_unreachable', `${what}: ${reasonOf(error)}`, nextStep, { cause: error });
  }
  const code = errnoOf(error) ?? '';
  const [what, nextStep] = OF_PLACES[code] ?? OF_PROCESSES[code] ?? [];
  if (what === undefined || !(error instanceof Error)) return undefined;
  const { path, dest } = error as NodeJS.ErrnoException & { readonly dest?: string };
  const place = OF_PLACES[code] === undefined ? undefined : (dest ?? path);
  return new Fault('store', `${place === undefined ? '' : `${place}: `}${what} (${code})`, nextStep, { cause: error });
}
