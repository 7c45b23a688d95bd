/** `wds/<version>`, the version from the nearest package.json above this file: sources and build output lie at different depths. */
import { existsSync, readFileSync } from 'node:fs';

function packageVersion(): string {
  let folder = new URL('.', import.meta.url);
  for (;;) {
    const file = new URL('package.json', folder);
    if (existsSync(file)) return String(JSON.parse(readFileSync(file, 'utf8')).version);
    const parent = new URL('..', folder);
    if (parent.href === folder.href) return 'unknown';
    folder = parent;
  }
}

export const USER_AGENT = `wds/${packageVersion()}`;
