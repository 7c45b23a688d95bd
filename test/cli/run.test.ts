import { describe, expect, test } from 'vitest';
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
