/**
 * Completes package-lock.json: `npm install` leaves out the optional packages of foreign platforms when the registry at hand does
 * not serve them, and `npm ci` then refuses the lock file on every machine. Each missing one is added with the exact version that
 * its parent pins, and with the platform that its name tells, so that npm passes over it elsewhere and installs it there.
 *
 *     node scripts/complete-lockfile.mjs          after every change of the dependencies
 *
 * Limits: only exact pins can be completed (others are listed, exit code 1); the added entries carry no integrity, which a test asks for. Where a
 * registry does serve them, `npm install --package-lock-only` adds them with it: take out the entries without, and run that.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32', 'aix'];
const PROCESSORS = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64', 'wasm32'];

const path = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(path, 'utf8'));
const unknown = [];
let added = 0;

for (const [parentPath, parent] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    if (isLocked(parentPath, name)) continue;
    const platform = platformOf(name);
    if (!/^\d+\.\d+\.\d+(-[\w.-]+)?$/.test(version) || platform === undefined) {
      unknown.push(`${name}@${version} (wanted by ${parentPath})`);
      continue;
    }
    lock.packages[`node_modules/${name}`] = {
      version,
      ...platform,
      ...(parent.dev ? { dev: true } : {}),
      optional: true,
    };
    added++;
  }
}

lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
if (added > 0) writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.error(`package-lock.json: ${added} optional packages of foreign platforms added`);
for (const entry of unknown) console.error(`  left out, for its platform or version is not exact: ${entry}`);
if (unknown.length > 0) process.exitCode = 1;

/** Whether Node's resolution from `parentPath` meets an entry for `name` in the lock file. */
function isLocked(parentPath, name) {
  for (let at = parentPath; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    if (lock.packages[`${at === '' ? '' : `${at}/`}node_modules/${name}`]) return true;
    if (at === '') return false;
  }
}

/** `@swc/core-linux-arm64-musl` → linux, arm64, musl. */
function platformOf(name) {
  const words = name.split(/[-/]/);
  const os = SYSTEMS.find((system) => words.includes(system));
  const cpu = PROCESSORS.find((processor) => words.includes(processor));
  if (os === undefined || cpu === undefined) return undefined;
  const libc = words.some((word) => word.startsWith('musl')) ? 'musl' : os === 'linux' ? 'glibc' : undefined;
  return { cpu: [cpu], ...(libc ? { libc: [libc] } : {}), os: [os] };
}
