// @slow: starts processes
/** The real program in a process of its own, as far as it goes without Temporal. */
import { execFile, execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFolder } from '../config/folder.ts';

const root = join(import.meta.dirname, '../..');
let compiled = '';

beforeAll(async () => {
  compiled = await mkdtemp(join(tmpdir(), 'wds-compiled-'));
  await symlink(join(root, 'node_modules'), join(compiled, 'node_modules'));
  await symlink(join(root, 'package.json'), join(compiled, 'package.json'));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const into = ['--outDir', join(compiled, 'dist'), '--tsBuildInfoFile', join(compiled, 'tsbuildinfo')];
  execFileSync(process.execPath, [tsc, '--noCheck', ...into], { cwd: root });
}, 60_000);

afterAll(() => rm(compiled, { recursive: true, force: true }));

const program = (): string => join(compiled, 'dist/src/cli/main.js');

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function wds(args: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<Ended> {
  const { PATH = '' } = process.env;
  return new Promise((resolve) => {
    execFile(process.execPath, [program(), ...args], { cwd, env: { PATH, ...env } }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

test('--version and --help answer on stdout and exit 0', async () => {
  const cwd = await makeFolder();
  const version = await wds(['--version'], cwd);
  expect(version).toMatchObject({ code: 0, err: '' });
  expect(version.out).toMatch(/^\d+\.\d+\.\d+\n$/);
  const help = await wds(['send', '--help'], cwd);
  expect(help).toMatchObject({ code: 0, err: '' });
  expect(help.out).toContain('--ambiguous <policy>');
});

test('an unknown flag is an error with a suggestion, exit 2', async () => {
  const { code, out, err } = await wds(['send', 'a.csv', '--rat', '5'], await makeFolder());
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toBe("wds: unknown option '--rat' (Did you mean --rate?)\n  See: wds send --help\n");
});

test('faults of the configuration are all told, exit 2, and no secret is shown', async () => {
  const cwd = await makeFolder({ 'wds.config.yaml': 'endpoint:\n  url: nonsense\n  rate: -1\nhoem: x\n' });
  const { code, out, err } = await wds(['up'], cwd, { WDS_SECRET: 'geheim', WDS_AMBIGUOUS: 'perhaps' });
  expect({ code, out }).toEqual({ code: 2, out: '' });
  for (const part of ['5 faults', 'line 2', 'line 3', 'did you mean home?', 'WDS_AMBIGUOUS', 'variable WDS_SECRET']) {
    expect(err).toContain(part);
  }
  expect(err).not.toContain('geheim');
});

test('send without an endpoint exits 2 and says how to give one', async () => {
  const { code, err } = await wds(['send', 'a.csv'], await makeFolder());
  expect(code).toBe(2);
  expect(err).toContain('--url');
});

test.each([
  ['SIGTERM', 1],
  ['SIGINT', 1],
  // npm passes the terminal's Ctrl-C on to a child that has had it already.
  ['SIGINT', 2],
] as const)('%s (%d at once) ends a command that runs until stopped, with exit 0', async (signal, times) => {
  const child = spawn(process.execPath, [program(), 'receiver', '--port', '0'], { cwd: await makeFolder() });
  const closed = once(child, 'close');
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const [url] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+/);
  for (let time = 0; time < times; time++) child.kill(signal);
  expect(await closed).toEqual([0, null]);
  expect(err).toContain('Stopping …');
});

test('a reader that goes away early changes nothing about the exit code', async () => {
  const line = '"$0" "$1" --help | true; "$0" "$1" nonsense | true';
  const child = spawn('bash', ['-c', `set -o pipefail; ${line}`, process.execPath, program()], { stdio: 'ignore' });
  expect(await once(child, 'close')).toEqual([2, null]);
});

test('a process that was started by another one ends with it, also where that is killed', async () => {
  const child = fork(program(), ['receiver', '--port', '0'], {
    cwd: await makeFolder(),
    stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
  });
  const ended = once(child, 'exit');
  await once(child.stdout!, 'data');
  child.disconnect();
  expect(await ended).toEqual([0, null]);
});
