/** A refusal of the operating system, as a Fault that says what, where and what to do. */
import { Fault } from '../domain/failure.ts';
import { errnoOf } from '../thrown.ts';

export function storeFault(doing: string, path: string, error: unknown): Fault {
  const code = errnoOf(error) ?? 'unknown error';
  return new Fault(
    'store',
    `cannot ${doing} ${path}: ${code}`,
    'Check free space, permissions and the limit on open files; wds goes on by itself once that is mended.',
    { cause: error },
  );
}
