import { describe, expect, test } from 'vitest';
import { createLogger } from '../../src/cli/logging.ts';
import type { LogLevel } from '../../src/config/schema.ts';
import { Fault } from '../../src/domain/failure.ts';

function logger(human: boolean, level: LogLevel = 'info') {
  const lines: string[] = [];
  const log = createLogger({ level, human, write: (line) => lines.push(line), paint: (text) => text });
  return { log, lines };
}

describe('for machines', () => {
  test('each event is one line of JSON with level, time, message and fields', () => {
    const { log, lines } = logger(false);
    log.warn({ endpoint: 'crm', retryAfterMs: 2000 }, 'batch throttled');
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain('\n');
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      pid: process.pid,
      endpoint: 'crm',
      retryAfterMs: 2000,
      msg: 'batch throttled',
    });
  });

  test('an error is told with its message', () => {
    const { log, lines } = logger(false);
    log.error(new Fault('store', 'disk full'));
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      msg: 'disk full',
      err: { message: 'disk full', code: 'store' },
    });
  });
});

describe('for people', () => {
  test('each event is one short line', () => {
    const { log, lines } = logger(true);
    log.info({ endpoint: 'crm', file: 'my file.csv', rows: 3 }, 'file staged');
    log.error({ err: new Error('disk full') }, 'cannot stage');
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d info {2}file staged {2}endpoint=crm file="my file\.csv" rows=3$/);
    expect(lines[1]).toMatch(/^\d\d:\d\d:\d\d error cannot stage \(disk full\)$/);
  });

  test('control characters in it are escaped', () => {
    const { log, lines } = logger(true);
    log.info({ file: 'a\u001b[2J.csv' }, 'b\nc');
    expect(lines[0]).toContain('b\\u000ac');
    expect(lines[0]).not.toContain('\u001b');
  });
});

test('less severe events than the level are not written', () => {
  const { log, lines } = logger(false, 'warn');
  log.info('no');
  log.warn('yes');
  expect(lines).toHaveLength(1);
  const silent = logger(false, 'silent');
  silent.log.fatal('no');
  expect(silent.lines).toEqual([]);
});

test.each([true, false])('secrets, headers and message texts are redacted wherever they stand (human: %s)', (human) => {
  const { log, lines } = logger(human);
  log.info({ secrets: ['geheim'], headers: { authorization: 'geheim' }, alertMessage: 'geheim', token: 'geheim' }, 'a');
  log.info(
    { endpoint: { secrets: ['geheim'], headers: { 'x-key': 'geheim' } }, alert: { alertMessage: 'geheim' } },
    'b',
  );
  log.info({ request: { endpoint: { secrets: 'geheim' } } }, 'c');
  expect(lines).toHaveLength(3);
  expect(lines.join('\n')).not.toContain('geheim');
  expect(lines.join('\n')).toContain('(redacted)');
});
