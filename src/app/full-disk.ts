/**
 * Why Temporal does not do what it is asked, where the disk of the store is full: the server that wds runs has its state there, answers late
 * then, and says nothing of it.
 */
import type { Settings } from '../config/settings.ts';
import { Fault } from '../domain/failure.ts';
import type { DiskGuard } from '../intake/disk-guard.ts';
import { knownFault } from '../known-faults.ts';
import { grpcErrorIn } from '../thrown.ts';
import { storeGuard } from './store-guard.ts';

const NEXT_STEP = 'Make room on that disk: all goes on by itself.';

/** What went wrong, as it is to be shown: the same, or a Fault that names the disk as well. */
export async function explained(
  error: unknown,
  settings: Pick<Settings, 'home' | 'minFreeBytes'>,
  guard: DiskGuard = storeGuard(settings),
): Promise<unknown> {
  const fault = grpcErrorIn(error) === undefined ? undefined : knownFault(error);
  if (fault?.code !== 'temporal_unreachable') return error;
  await guard.look();
  if (guard.paused === undefined) return error;
  const message = `${fault.message}. The disk is full: ${guard.paused}`;
  return new Fault(fault.code, message, NEXT_STEP, { cause: error });
}
