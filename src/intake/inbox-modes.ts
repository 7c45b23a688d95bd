/**
 * What wds makes for people in an inbox (`processed`, `rejected`, `results`, and what is in the last two) has the permissions of the inbox itself:
 * whoever may read the inbox finds the answers there. Everything else is made as store.groupAccess says.
 */
import { chmod, mkdir, stat } from 'node:fs/promises';
import { isErrno } from '../thrown.ts';

const FOLDER_BITS = 0o3777;
const FILE_BITS = 0o666;

/** Makes a folder of the inbox, unless it is there: then it stays as it is. */
export async function makeInboxFolder(inbox: string, folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return;
    throw error;
  }
  await chmodAs(inbox, folder, FOLDER_BITS);
}

export const shareInInbox = (inbox: string, path: string): Promise<void> => chmodAs(inbox, path, FILE_BITS);

/** Where there are no permissions to be set (some mounts), it stays as it came. */
async function chmodAs(inbox: string, path: string, bits: number): Promise<void> {
  const { mode } = await stat(inbox);
  await chmod(path, mode & bits).catch(() => undefined);
}
