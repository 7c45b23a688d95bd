/**
 * The log: one structured line per event on stderr. JSON lines for machines; on a terminal a short line for people. Secrets, request headers and
 * message texts are redacted wherever an event carries them by mistake.
 */

import type { Logger } from 'pino';
import { pino } from 'pino';
import type { LogLevel } from '../config/schema.ts';
import { plainText } from '../domain/plain-text.ts';
import type { Paint, Style } from './terminal.ts';

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Short lines for a person instead of JSON. */
  readonly human: boolean;
  /** Takes one finished line without its newline. */
  readonly write: (line: string) => void;
  readonly paint: Paint;
  /** Called for each line from info on, also for those that are not written. */
  readonly count?: (level: string, event: string) => void;
}

const PRIVATE = [
  'alertMessage',
  'message',
  'body',
  'secret',
  'secrets',
  'headers',
  'authorization',
  'apiKey',
  'password',
  'token',
];
const REDACTED_PATHS = PRIVATE.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]).filter(
  // An error's own message is what the line is for.
  (path) => path !== '*.message' && path !== '*.*.message',
);

const LEVEL_STYLES: Record<string, Style> = {
  debug: 'dim',
  trace: 'dim',
  info: 'dim',
  warn: 'yellow',
  error: 'red',
  fatal: 'red',
};
/** Events whose message says all that a person wants to know; the fields are for machines. */
const SPOKEN =
  /^(file_(reported|refused|paused|resumed)|circuit_(opened|closed)|endpoint_(paused|resumed)|waiting(_over)?|(store|local)_(fault|recovered)|no_worker(_over)?)$/;
const HIDDEN_FIELDS = new Set(['level', 'time', 'msg', 'pid', 'hostname', 'err']);

interface LogLine {
  readonly level: string;
  readonly time: string;
  readonly msg?: string;
  readonly err?: { readonly message?: string; readonly stack?: string };
  readonly [field: string]: unknown;
}

const fieldText = (value: unknown): string =>
  typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : (JSON.stringify(value) ?? '');

/** `12:03:41 warn  batch throttled  endpoint=crm retryAfterMs=2000` */
function humanLine(line: LogLine, paint: Paint): string {
  const time = line.time.slice(11, 19);
  const fields = (SPOKEN.test(`${line.event}`) ? [] : Object.entries(line))
    .filter(([name]) => !HIDDEN_FIELDS.has(name))
    .map(([name, value]) => `${name}=${fieldText(value)}`);
  const problem = line.err?.message === undefined ? [] : [`(${line.err.message})`];
  const text = [line.msg ?? '', ...problem].join(' ').trim();
  const level = paint(line.level.padEnd(5), LEVEL_STYLES[line.level] ?? 'bold');
  const tail = fields.length === 0 ? '' : `  ${paint(plainText(fields.join(' ')), 'dim')}`;
  return `${paint(time, 'dim')} ${level} ${plainText(text)}${tail}`;
}

/** Writes synchronously: a line is out before the process can end. */
export function createLogger(options: LoggerOptions): Logger {
  const { human, paint, write, level, count } = options;
  const { values } = pino.levels;
  const least = values[level] ?? Number.POSITIVE_INFINITY;
  return pino(
    {
      // What is not written is counted all the same.
      level: count !== undefined && least > values.info! ? 'info' : level,
      hooks: {
        logMethod(args, method, number) {
          const event = (args[0] as { readonly event?: unknown } | undefined)?.event;
          if (number >= values.info!) count?.(pino.levels.labels[number] ?? '', typeof event === 'string' ? event : '');
          if (number >= least) method.apply(this, args);
        },
      },
      base: human ? null : { pid: process.pid },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED_PATHS, censor: '(redacted)' },
    },
    {
      write(json: string) {
        const line = json.trimEnd();
        write(human ? humanLine(JSON.parse(line) as LogLine, paint) : line);
      },
    },
  );
}
