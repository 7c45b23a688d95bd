/** Which run of which machine this is: what a process wrote survives its death, but not the machine's, unless it was synced. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** The same for all processes since the machine was started; undefined: the system does not say. */
export function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return undefined;
  }
}

/** Where the system does not say, each process counts as a machine of its own. */
export const thisBoot = (): string => bootId() ?? randomUUID();
