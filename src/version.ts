/** wds's version, from the package.json that is nearest above this file: the sources and what is built lie at different depths. */
import { existsSync, readFileSync } from 'node:fs';

function packageVersion(): string {
  let folder = new URL('.', import.meta.url);
  for (;;) {
    const manifest = new URL('package.json', folder);
    if (existsSync(manifest)) return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
    const parent = new URL('..', folder);
    if (parent.href === folder.href) return '0.0.0';
    folder = parent;
  }
}

export const VERSION = packageVersion();
