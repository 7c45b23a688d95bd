/** Folders and files as people read them. */
import { isAbsolute, join, relative, sep } from 'node:path';

/** What lies in the working folder is shown from there: short, and it can be typed as it stands. All else, and what is in a bucket, in full. */
export function shownPlace(place: string, cwd = process.cwd()): string {
  if (!isAbsolute(place)) return place;
  const here = relative(cwd, place);
  return here === '..' || here.startsWith(`..${sep}`) || isAbsolute(here) ? place : here || '.';
}

/** A file of a folder, or of a prefix in a bucket. */
export const shownIn = (folder: string, name: string, cwd = process.cwd()): string =>
  folder.includes('://') ? `${folder.replace(/\/$/, '')}/${name}` : shownPlace(join(folder, name), cwd);
