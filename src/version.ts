/** wds's version, from the package.json that is nearest above this file: the sources and what is built lie at different depths. */
import { existsSync, readFileSync } from 'node:fs';

/** Where package.json is, and what comes with it. undefined: nowhere above. */
function packageRoot(): URL | undefined {
  let folder = new URL('.', import.meta.url);
  for (;;) {
    if (existsSync(new URL('package.json', folder))) return folder;
    const parent = new URL('..', folder);
    if (parent.href === folder.href) return undefined;
    folder = parent;
  }
}

const root = packageRoot();

export const VERSION =
  root === undefined
    ? '0.0.0'
    : (JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { readonly version: string }).version;

/** A file of the package, such as its example of a configuration. */
export const packageFile = (name: string): URL => new URL(name, root ?? import.meta.url);
