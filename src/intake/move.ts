/** Moving a file within an inbox, over nothing. */
import { link, lstat, rename, rm } from 'node:fs/promises';
import { isErrno } from '../thrown.ts';

/**
 * To the first of the paths that is free, which it returns. A hard link never replaces anything, and leaves nothing half-made behind in a crash.
 * Where there are none (exFAT, some network mounts) a look and a rename must do. undefined: there is no such file any more.
 */
export async function moveOverNothing(from: string, target: (copy: number) => string): Promise<string | undefined> {
  for (let copy = 1; ; copy += 1) {
    const to = target(copy);
    try {
      await link(from, to);
      await rm(from, { force: true });
      return to;
    } catch (error) {
      if (isErrno(error, 'EEXIST')) continue;
      if (isErrno(error, 'ENOENT')) return undefined;
      if (!isErrno(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK')) throw error;
    }
    if ((await lstat(to).catch(() => undefined)) !== undefined) continue;
    return rename(from, to).then(
      () => to,
      (error: unknown) => {
        if (isErrno(error, 'ENOENT')) return undefined;
        throw error;
      },
    );
  }
}
