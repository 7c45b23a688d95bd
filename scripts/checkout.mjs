/**
 * What is missing or stale in a checkout of wds. Built-ins only: this runs before anything is installed, and at each start of
 * `wds`, so it must cost a few milliseconds when everything is in place. Nothing here changes a file but `stampBuild`.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const DIST = join(ROOT, 'dist');
/** By the file below dist/workflows that each is made from. */
export const BUNDLES = {
  'index.js': join(DIST, 'workflow-bundle.js'),
  'versioned.js': join(DIST, 'workflow-bundle-versioned.js'),
};
/** What is compiled; tests run from their sources. */
export const SOURCE_FOLDERS = ['src', 'workflows', 'activities', 'bench', 'simulation', 'chaos'];

const STAMP = join(DIST, '.built-from');

/** An installed package ships dist/ without sources: there is nothing to set up then. */
export const isCheckout = () => existsSync(join(ROOT, 'tsconfig.json')) && existsSync(join(ROOT, 'src'));

/**
 * Whether node_modules holds what package-lock.json asks for. npm's own record of what it installed is compared package by
 * package, because times say nothing after a `git checkout`, and because an install by hand counts as well.
 */
export function isInstalled() {
  const wanted = readLock(join(ROOT, 'package-lock.json'));
  const installed = readLock(join(ROOT, 'node_modules', '.package-lock.json'));
  if (wanted === undefined || installed === undefined) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '' || entry.link) return true;
    const found = installed[path];
    if (found === undefined) return entry.optional === true || entry.devOptional === true;
    return found.version === entry.version;
  });
}

/** Whether dist/ was built from the sources as they are now. */
export function isBuilt() {
  return (
    Object.entries(BUNDLES).every(
      ([entry, bundle]) => existsSync(bundle) === existsSync(join(DIST, 'workflows', entry)),
    ) && readText(STAMP) === sourceSignature()
  );
}

/** Said after a build; `signature` was taken before it, so that an edit during the build is not missed. */
export function stampBuild(signature) {
  writeFileSync(STAMP, signature);
}

/** Changes when a source file, or the way it is compiled, changes: paths, sizes and times, not contents. */
export function sourceSignature() {
  const hash = createHash('sha256');
  const add = (path) => {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${path}\0${size}\0${mtimeMs}\n`);
  };
  for (const file of ['tsconfig.json', 'package-lock.json', 'scripts/tsconfig.build.json']) add(join(ROOT, file));
  for (const folder of SOURCE_FOLDERS) for (const path of filesBelow(join(ROOT, folder))) add(path);
  return hash.digest('hex');
}

/** All files below a folder, sorted; none when there is no such folder. */
export function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function readLock(path) {
  const text = readText(path);
  return text === undefined ? undefined : JSON.parse(text).packages;
}
