// @slow: builds checkouts
import { execFile, spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, unlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** A checkout with a command of one line; the packages are those of the real one. */
let checkout: string;

beforeEach(async () => {
  checkout = await mkdtemp(join(tmpdir(), 'wds-checkout-'));
  for (const part of ['bin', 'scripts', 'package.json', 'package-lock.json', 'tsconfig.json']) {
    await cp(part, join(checkout, part), { recursive: true });
  }
  await symlink(resolve('node_modules'), join(checkout, 'node_modules'));
  await mkdir(join(checkout, 'src/cli'), { recursive: true });
  await write('src/cli/main.ts', `const word: string = 'first';\nconsole.log(word, process.argv[2] ?? '');\n`);
});
afterEach(() => rm(checkout, { recursive: true, force: true }));

const write = (path: string, text: string) => writeFile(join(checkout, path), text);
const wds = (...args: string[]) => promisify(execFile)(process.execPath, [join(checkout, 'bin/wds.mjs'), ...args]);

describe('wds in a checkout', () => {
  it('builds what is not built, says so on stderr only, and is silent from then on', async () => {
    const first = await wds('argument');
    expect(first.stdout).toBe('first argument\n');
    expect(first.stderr).toMatch(/^wds: building …\nwds: {3}done in [\d.]+ s\n$/);
    expect(await wds()).toEqual({ stdout: 'first \n', stderr: '' });
  });

  it('builds again when a source changed, appeared or went away', async () => {
    await wds();
    await write('src/cli/word.ts', `export const word = 'second';\n`);
    await write('src/cli/main.ts', `import { word } from './word.ts';\nconsole.log(word);\n`);
    expect((await wds()).stdout).toBe('second\n');

    await write('src/cli/main.ts', `console.log('third');\n`);
    await unlink(join(checkout, 'src/cli/word.ts'));
    expect((await wds()).stdout).toBe('third\n');
    await expect(readFile(join(checkout, 'dist/src/cli/word.js'))).rejects.toThrow('ENOENT');
  });

  it('is built once by several that start at the same time', async () => {
    const runs = await Promise.all([wds(), wds(), wds()]);
    expect(runs.map(({ stdout }) => stdout)).toEqual(['first \n', 'first \n', 'first \n']);
    expect(runs.filter(({ stderr }) => stderr.includes('building'))).toHaveLength(1);
  });

  it('is not stopped by the lock of a process that died', async () => {
    await mkdir(join(checkout, 'dist'));
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    await write('dist/.setup-lock', String(dead));
    expect((await wds()).stdout).toBe('first \n');
  });

  it('is not stopped by a lock that a power loss has emptied', async () => {
    await mkdir(join(checkout, 'dist'));
    await write('dist/.setup-lock', '');
    expect((await wds()).stdout).toBe('first \n');
  });

  it('shows what the compiler said when it cannot build, and runs nothing', async () => {
    await write('src/cli/main.ts', 'const = ;\n');
    const failed = await wds().catch((error: { code: number; stdout: string; stderr: string }) => error);
    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(failed.stderr).toMatch(/main\.ts.*error TS[\s\S]*building: failed/);
  });
});

describe('wds as an installed package', () => {
  it('runs what was shipped, without looking for sources', async () => {
    await wds();
    await rm(join(checkout, 'src'), { recursive: true });
    await unlink(join(checkout, 'tsconfig.json'));
    const long = new Date(0);
    await utimes(join(checkout, 'dist/src/cli/main.js'), long, long);
    expect(await wds('shipped')).toEqual({ stdout: 'first shipped\n', stderr: '' });
  });
});

describe('the lock file', () => {
  it('names the optional packages of every platform, without which npm ci refuses it', async () => {
    await promisify(execFile)(process.execPath, [join(checkout, 'scripts/complete-lockfile.mjs')]);
    expect(await readFile(join(checkout, 'package-lock.json'), 'utf8')).toBe(
      await readFile('package-lock.json', 'utf8'),
    );
  });
});
