// @slow: runs what the documents say
/**
 * Every command in a shell block of a document does as it is printed. Those of wds run through the real command line, with an App that does
 * nothing; curl asks the real API; small tools run as they are. What is played against workers and a server is in
 * test/e2e/documented-commands.test.ts, and what nobody can run here is listed with the reason.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Command as CommanderCommand } from 'commander';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readOptions } from '../../chaos/options.ts';
import { readFlags } from '../../simulation/delivery/flags.ts';
import { mutationIn } from '../../simulation/delivery/mutate.ts';
import { THEMES } from '../../simulation/delivery/plan.ts';
import type { CommandContext } from '../../src/cli/context.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { parseFailpoint } from '../../src/failpoint.ts';
import { parseReceiverOptions } from '../../src/receiver/receiver-options.ts';
import { apiUnderTest, FOUND } from '../api/fake-served-app.ts';
import { wds } from '../cli/fake-app.ts';
import { makeFolder } from '../config/folder.ts';
import type { Command } from './documents.ts';
import { commands, commandsOf, ROOT } from './documents.ts';
import { presupposed, SECRET, TOKEN } from './presupposed.ts';

/** Why a command is not run by this file, and what stands for it. */
const ELSEWHERE: readonly (readonly [RegExp, string])[] = [
  [/^temporal /, "Temporal's own CLI: played in test/e2e/documented-commands.test.ts, or listed there"],
  [/^curl \S+\/stats$/, 'asks the receiver: played in test/e2e/documented-commands.test.ts'],
  [/^aws s3 /, "Amazon's own CLI: test/e2e/inbox-in-bucket.test.ts uploads the same by the SDK"],
  [/^npm ci /, 'installs anew: .ci/run does the same in a fresh clone'],
  [/^npm (audit|sbom) /, 'asks a registry, or takes long: part of npm, not of wds'],
  [
    /^(mkdir otel|npm init -y) /,
    'gets an SDK of OpenTelemetry from a registry: what it gets from wds is in test/tracing.test.ts',
  ],
  [/^RECORD_HISTORIES=1 /, 'writes histories of a release; without the variable the same file runs in npm test'],
];

const isOf = (pattern: RegExp) => (command: Command) => pattern.test(command.text);
const shown = (chosen: readonly Command[]) =>
  chosen.map((command) => [`${command.path}:${command.line}: ${command.text}`, command] as const);
/** What the shell would put there. */
const filled = (text: string): string =>
  text
    .replaceAll(/\$\(cat [\w-]+\)/g, TOKEN)
    .replace('whsec_…', SECRET)
    .replace(/^\/etc\/(?=wds\.config)/, '');

/** The arguments of wds, however it is called; undefined: another program. */
function argsOfWds({ program, args }: Command): readonly string[] | undefined {
  if (program === 'wds') return args;
  if (program === 'npx' && args[0] === 'wds') return args.slice(1);
  if (program === 'node' && args[0] === 'bin/wds.mjs') return args.slice(1);
  if (program === 'npm' && args[0] === 'start') return ['up', ...args.slice(args[1] === '--' ? 2 : 1)];
  return undefined;
}

const ofWds = commands.filter((command) => argsOfWds(command) !== undefined);
const ofCurl = commands.filter(isOf(/^curl (?!\S+\/stats$)/));
const ofScripts = commands.filter(({ program, args }) => program === 'npm' && args[0] === 'run');
const ofDocker = commands.filter(({ program }) => program === 'docker');
const ofTools = commands.filter(isOf(/^(cp|mv|echo|export|openssl|node -p) /));

test('no command is left out', () => {
  expect(commands.length).toBeGreaterThan(100);
  const kinds = [ofWds, ofCurl, ofScripts, ofDocker, ofTools].flat();
  const left = commands.filter(
    (command) => !kinds.includes(command) && !ELSEWHERE.some(([pattern]) => pattern.test(command.text)),
  );
  expect(left.map(({ path, line, text }) => `${path}:${line}: ${text}`)).toEqual([]);
  expect(ELSEWHERE.filter(([pattern]) => !commands.some(isOf(pattern)))).toEqual([]);
});

/** The command line, with an App that finds what it is asked for and does nothing. */
async function runs(command: Command): Promise<void> {
  const args = argsOfWds(command)!.map(filled);
  const env = Object.fromEntries(Object.entries(command.env).map(([name, value]) => [name, filled(value)]));
  parseFailpoint(env.WDS_FAILPOINT);
  const cwd = await makeFolder(presupposed(args));
  const { code, err, receiver } = await wds(args, {
    ...{ cwd, env },
    findUser: async ({ userId }) => ({ ...FOUND, userId }),
    tryNotifications: async () => [{ way: 'command', to: 'true', ok: true, answer: 'exit code 0', seconds: 0 }],
    keeping: { forget: async () => ({ erased: true, files: [{ file: 'alerts.csv', sha256: '3f2a9c1d', alerts: 1 }] }) },
    examine: async () => ({ findings: [{ check: 'node', state: 'ok', found: 'Node 20' }], settings: [] }),
    ask: async () => 'yes',
    // It goes on until Ctrl-C.
    ...(args.includes('--watch') ? { signal: AbortSignal.abort() } : {}),
  });
  expect({ code, err }).toMatchObject({ code: 0 });
  if (receiver !== undefined) parseReceiverOptions(receiver);
}

describe('wds', () => {
  test.each(shown(ofWds))('%s', (_, command) => runs(command));
});

describe('the examples in the help of wds', () => {
  const program = buildProgram({ invocation: process } as unknown as CommandContext);
  const all = (command: CommanderCommand): CommanderCommand[] => [command, ...command.commands.flatMap(all)];
  const examples = all(program).flatMap((command) => {
    let help = '';
    const writeOut = (text: string): void => {
      help += text;
    };
    command.configureOutput({ writeOut }).outputHelp();
    const lines = [...help.matchAll(/^ {2}# .*\n {2}(.+)$/gm)].map(([, line = '']) => line).join('\n');
    return commandsOf({ path: `wds ${command.name()} --help`, line: 1, language: 'sh', text: lines });
  });
  const ofPrograms = examples.filter((command) => argsOfWds(command) !== undefined);

  test('are of wds, but for what reads them', () => {
    expect(ofPrograms.length).toBeGreaterThan(50);
    const others = examples.filter((one) => !ofPrograms.includes(one)).map(({ program: name }) => name);
    expect([...new Set(others)]).toEqual(['jq', 'eval']);
  });
  test.each(shown(ofPrograms))('%s', (_, command) => runs(command));
});

describe('curl, which is asked by the API', () => {
  test.each(shown(ofCurl))('%s', async (_, command) => {
    const cwd = await makeFolder({ ...presupposed([]), 'alerts.csv.gz': 'x' });
    const { server } = await apiUnderTest({
      ...(command.text.includes('Bearer') ? { token: TOKEN } : {}),
    });
    const url = await server.listen({ host: '127.0.0.1', port: 0 });
    const args = command.args.map((arg) => filled(arg).replace(/^http:\/\/[\w.]+:\d+/, url));
    const { stdout } = await promisify(execFile)('curl', ['--silent', '--write-out', '\n%{http_code}', ...args], {
      cwd,
    });
    expect(stdout).toMatch(/\n20[02]$/);
  });
});

describe('scripts of this repository', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  test.each(shown(ofScripts))('%s', (_, { args }) => {
    const [name = '', ...rest] = args.slice(1).filter((arg) => arg !== '--silent');
    expect(scripts).toHaveProperty(name);
    const flags = rest.slice(rest.indexOf('--') + 1);
    if (name === 'chaos') readOptions(flags, 0);
    if (name !== 'simulate') return;
    const { theme } = readFlags(flags);
    mutationIn(flags);
    if (theme !== undefined) expect(THEMES).toContain(theme);
  });
});

describe('docker', () => {
  const { services } = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
    services: Record<string, { profiles?: string[] }>;
  };
  test.each(shown(ofDocker))('%s names services, profiles and commands that there are', (_, { args }) => {
    const profile = args[args.indexOf('--profile') + 1]!;
    if (args.includes('--profile'))
      expect(Object.values(services).flatMap(({ profiles = [] }) => profiles)).toContain(profile);
    if (args[1] === 'exec') expect(services).toHaveProperty(args[2]!);
  });
});

describe('tools run as they are', () => {
  test.each(shown(ofTools))('%s', async (_, { path, line }) => {
    const cwd = await makeFolder({ ...presupposed([]), 'inbox/x': '', 'data/inbox/x': '', 'examples/alerts.csv': 'x' });
    // All of the line: what is chained works on what came before.
    const text = (await readFile(join(ROOT, path), 'utf8')).split('\n')[line - 1]!;
    await promisify(execFile)('bash', ['-euc', text], { cwd });
  });
});
