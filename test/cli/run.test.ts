import { describe, expect, test } from 'vitest';
import type { PressedAgain } from '../../src/cli/context.ts';
import { Fault } from '../../src/domain/failure.ts';
import { makeFolder } from '../config/folder.ts';
import { wds } from './fake-app.ts';

const TO = ['--url', 'http://127.0.0.1:9/hook'];

describe('usage errors', () => {
  test.each([
    [['sned'], "unknown command 'sned' (Did you mean send?)", 'wds --help'],
    [['send', 'a', '--urk', 'x'], "unknown option '--urk' (Did you mean --url?)", 'wds send --help'],
    [['send'], "missing required argument 'file'", 'wds send --help'],
    [['up', 'extra'], "too many arguments for 'up'", 'wds up --help'],
    [['status', '-o', 'xml'], 'Allowed choices are text, json, jsonl', 'wds status --help'],
    [['worker', '--role', 'boss'], 'Allowed choices are files, alerts, all', 'wds worker --help'],
    [['send', 'a', '--deadline', 'soon'], 'Expected a number', 'wds send --help'],
  ])('%j exits 2 and names the help', async (args, message, help) => {
    const { code, out, err, calls } = await wds(args);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toContain(message);
    expect(err).toContain(`See: ${help}`);
    expect(calls).toEqual([]);
  });

  test('without a command the help is on stderr', async () => {
    const { code, out, err } = await wds([]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('Usage: wds');
    expect(err).not.toContain('wds: ');
  });
});

describe('help', () => {
  test.each(['up', 'send', 'status', 'report', 'retry', 'watch', 'worker', 'receiver', 'init'])(
    'of %s is on stdout and has examples',
    async (command) => {
      const { code, out, err } = await wds([command, '--help']);
      expect([code, err]).toEqual([0, '']);
      expect(out).toContain('Examples:');
      expect(out).toContain(`  wds ${command}`);
    },
  );

  test('of the whole names the exit codes', async () => {
    expect((await wds(['--help'])).out).toContain('still running at the deadline');
  });
});

describe('a flag that npm has kept for itself', () => {
  const NPM = { npm_lifecycle_event: 'start', npm_config_cache: '.npm', npm_config_color: 'true' };
  test.each<[string[], Record<string, string>, string]>([
    [['up'], { npm_config_url: 'https://a.example/hook' }, 'npm start -- --url=https://a.example/hook'],
    [['up', 'https://a.example/hook'], { npm_config_url: 'true' }, 'npm start -- --url https://a.example/hook'],
    [['up', 'x', '9'], { npm_config_url: 'true', npm_config_rate: 'true' }, 'npm start -- --url VALUE --rate VALUE'],
    [['up'], { npm_config_log_level: 'de bug' }, "npm start -- --log-level='de bug'"],
    [['up'], { npm_config_example: '' }, 'npm start -- --no-example'],
    [['up'], { npm_config_url: 'https://a.example/?token=1' }, 'npm start -- --url=URL'],
    [
      ['send', 'a.csv'],
      { npm_lifecycle_event: 'nightly', npm_config_once: 'message' },
      'npm run nightly -- --once=message',
    ],
  ])('is said, with what was meant: %j %j', async (args, env, meant) => {
    const { code, err, calls } = await wds(args, { env: { ...NPM, ...env } });
    expect({ code, calls }).toEqual({ code: 2, calls: [] });
    expect(err).toMatch(/^wds: npm has kept --[a-z]/);
    expect(err.split('\n')[1]).toBe(`  Put -- in between: ${meant}`);
  });

  test('is none where npm has only its own, or runs nothing', async () => {
    for (const env of [NPM, { npm_config_url: 'x' }, { ...NPM, npm_lifecycle_event: 'npx', npm_config_url: 'x' }]) {
      expect((await wds(['up'], { env })).code).toBe(0);
    }
  });
});

test.each([['version'], ['--version']])('%s is one line on stdout', async (word) => {
  const { code, out, err } = await wds([word]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
});

describe('faults', () => {
  test('a Fault shows its message and the next step, and exits with its code', async () => {
    const status = async (): Promise<never> => {
      throw new Fault('temporal_unreachable', 'Temporal at 127.0.0.1:1 is not reachable', 'Start it.');
    };
    const { code, out, err, calls } = await wds(['status'], { app: { status } });
    expect(code).toBe(69);
    expect(out).toBe('');
    expect(err).toBe('wds: Temporal at 127.0.0.1:1 is not reachable\n  Start it.\n');
    expect(calls).toEqual(['status', 'close']);
  });

  test('a Temporal that fails where the disk is full: both are said, whichever command asks', async () => {
    const fails = async (): Promise<never> => {
      const cause = Object.assign(new Error('x'), { code: 14, details: 'shard status unknown' });
      throw new Error('Failed to describe workflow', { cause });
    };
    const cwd = await makeFolder({ 'wds.config.yaml': 'intake: { minFreeMiB: 1073741824 }\n' });
    for (const args of [['status'], ['report', 'a.csv'], ['endpoint', 'list']]) {
      const { code, err } = await wds(args, { cwd, app: { status: fails, report: fails, endpoints: fails } });
      expect(code).toBe(69);
      expect(err).toMatch(/shard status unknown\. The disk is full: .+\n {2}Make room on that disk/);
    }
  });

  test('anything else is unexpected: exit 1, the stack only on request', async () => {
    const status = async (): Promise<never> => {
      throw new TypeError('boom');
    };
    const short = await wds(['status'], { app: { status } });
    expect(short.code).toBe(1);
    expect(short.err).toBe(
      'wds: unexpected error: boom\n  Run it again with --log-level debug to see where it comes from.\n',
    );
    expect((await wds(['status', '--log-level', 'debug'], { app: { status } })).err).toContain('run.test.ts');
  });

  test('faults of the configuration are told together, before anything starts', async () => {
    const cwd = await makeFolder({ 'wds.config.yaml': 'inbx: a\n' });
    const { code, err, context } = await wds(['up', '--rate', 'fast'], { cwd, env: { WDS_LOG_LEVEL: 'loud' } });
    expect(code).toBe(2);
    expect(err).toContain('inbx: unknown setting; did you mean inbox? (wds.config.yaml, line 1)');
    expect(err).toContain('logLevel: "loud"');
    expect(err).toContain('(--rate)');
    expect(context).toBeUndefined();
  });

  test('warnings about variables are on stderr', async () => {
    const { code, err } = await wds(['up'], { env: { WDS_HOEM: 'x' } });
    expect(code).toBe(0);
    expect(err).toContain('did you mean WDS_HOME?');
  });
});

describe('Ctrl-C', () => {
  test('says what happens to the delivery; a command that runs until stopped exits 0', async () => {
    const controller = new AbortController();
    const up = async (): Promise<void> => controller.abort();
    const { code, err, calls } = await wds(['up'], { app: { up }, signal: controller.signal });
    expect(code).toBe(0);
    expect(err).toBe('Stopping … The delivery goes on without this command. Press Ctrl-C again to stop at once.\n');
    expect(calls).toEqual(['up', 'interruptNotice', 'close']);
  });

  test.each([
    ['worker', ...TO],
    ['watch', ...TO],
  ])('while %s starts: it begins no work that it would only have to end', async (...args) => {
    const env = { WDS_MONITORING_PORT: '0' };
    const { code, calls } = await wds(args, { env, signal: AbortSignal.abort() });
    expect(code).toBe(0);
    expect(calls.map(String)).toEqual(['close']);
  });

  test('once more says what that costs before it costs it, and does it the time after', async () => {
    const pressedAgain: PressedAgain = { mayEnd: () => true };
    const controller = new AbortController();
    const mayEnd: boolean[] = [];
    const up = async (): Promise<void> => {
      controller.abort();
      mayEnd.push(pressedAgain.mayEnd(), pressedAgain.mayEnd());
    };
    const priceOfStopping = (): string => '41 requests are open; stopping now may send them twice.';
    const { err } = await wds(['up'], { app: { up, priceOfStopping }, signal: controller.signal, pressedAgain });
    expect(mayEnd).toEqual([false, true]);
    expect(err.split('\n').slice(1)).toEqual([
      '41 requests are open; stopping now may send them twice. Press Ctrl-C once more to stop all the same.',
      '',
    ]);
  });

  test('once more ends a process at once that has nothing open', async () => {
    const pressedAgain: PressedAgain = { mayEnd: () => false };
    let mayEnd = false;
    const up = async (): Promise<void> => {
      mayEnd = pressedAgain.mayEnd();
    };
    await wds(['up'], { app: { up }, pressedAgain });
    expect(mayEnd).toBe(true);
  });

  test('work given up because of it exits 130', async () => {
    const controller = new AbortController();
    const status = async (): Promise<never> => {
      controller.abort();
      throw new DOMException('stopped', 'AbortError');
    };
    const { code, err } = await wds(['status'], { app: { status }, signal: controller.signal });
    expect(code).toBe(130);
    expect(err).not.toContain('unexpected');
  });
});

describe('colours', () => {
  const escapeCode = '\u001b[';
  test.each([
    ['on a terminal', true, {}, [], true],
    ['elsewhere', false, {}, [], false],
    ['with NO_COLOR', true, { NO_COLOR: '1' }, [], false],
    ['with an empty NO_COLOR', true, { NO_COLOR: '' }, [], true],
    ['with TERM=dumb', true, { TERM: 'dumb' }, [], false],
    ['with --color elsewhere', false, { NO_COLOR: '1' }, ['--color'], true],
    ['with --no-color on a terminal', true, {}, ['--no-color'], false],
  ])('%s', async (_name, isTTY, env, flags, expected) => {
    const { out } = await wds(['send', 'a.csv', ...TO, ...flags], { isTTY, env });
    expect(out.includes(escapeCode)).toBe(expected);
  });

  test('JSON never has any', async () => {
    const { out } = await wds(['send', 'a.csv', ...TO, '--color', '-o', 'json'], { isTTY: true });
    expect(JSON.parse(out)).toMatchObject({ file: 'a.csv' });
    expect(out).not.toContain(escapeCode);
  });
});
