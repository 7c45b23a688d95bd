/**
 * The entry of the `wds` command: the only file that hears the process's signals and ends it. The first Ctrl-C (or SIGTERM, SIGHUP) asks
 * everything to end cleanly; the next one ends the process at once, unless requests are open: then it says what that costs, and the one after
 * it ends the process.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { setFlagsFromString } from 'node:v8';
import type { CreateApp, RunReceiver } from '../app/app.ts';
import type { Examine } from '../app/doctor/doctor.ts';
import type { FindUser } from '../app/find-user.ts';
import type { Keeping } from '../app/keeping/keeping.ts';
import type { OpenDoor } from '../app/served.ts';
import type { TryNotifications } from '../app/try-notifications.ts';
import type { PressedAgain } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { run } from './run.ts';
import type { StartedProcess } from './several.ts';

/** npm passes a terminal's Ctrl-C on to a child that has had it already: a second signal within this time is the same key press. */
const SAME_PRESS_MS = 500;

// Before it collects, V8 lets a heap grow to several times what is in use. Twice is enough (docs/decisions/0018-renewals-and-the-heap.md).
setFlagsFromString('--heap-growing-percent=100');

const controller = new AbortController();
const pressedAgain: PressedAgain = { mayEnd: () => true };
let pressedAtMs = Number.NEGATIVE_INFINITY;

function onSignal(signal: NodeJS.Signals): void {
  const atMs = performance.now();
  if (atMs - pressedAtMs < SAME_PRESS_MS) return;
  pressedAtMs = atMs;
  // A supervisor reads no warnings, and means what it says.
  if (controller.signal.aborted && (signal !== 'SIGINT' || pressedAgain.mayEnd())) process.exit(EXIT.interrupted);
  controller.abort();
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question, { signal: controller.signal });
  } finally {
    terminal.close();
  }
}

function startProcess(args: readonly string[]): StartedProcess {
  const line = [...process.execArgv, process.argv[1]!, ...args];
  // By the channel it notices that this process is gone, also where that was killed.
  const child = spawn(process.execPath, line, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const stop = (): void => void child.kill('SIGTERM');
  process.once('exit', stop);
  const ended = once(child, 'exit').then(([code, signal]) => {
    process.off('exit', stop);
    return { code, signal };
  });
  return { ended, stop };
}

const isStarted = process.channel !== undefined;
if (isStarted) {
  process.channel?.unref();
  process.once('disconnect', () => controller.abort());
}

let isOutputLost = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // `wds send … | head` closes the pipe early: the delivery goes on for nobody to read.
  if (error.code === 'EPIPE' || isOutputLost) return;
  isOutputLost = true;
  process.stderr.write(`wds: cannot write to stdout: ${error.code ?? error.message}\n`);
});
process.stderr.on('error', () => undefined);

// Loaded when a command needs them: they bring the Temporal SDK along.
const openDoor: OpenDoor = async (app, options) => (await import('../api/open-api.ts')).openApi(app, options);
const createApp: CreateApp = async (context) => (await import('../app/app-temporal.ts')).createApp(context, openDoor);
const runReceiver: RunReceiver = async (settings, streams) =>
  (await import('../receiver/run-receiver.ts')).runReceiver(settings, streams);

const findUser: FindUser = async (options) => (await import('../app/find-user.ts')).findUser(options);
const examine: Examine = async (options) => (await import('../app/doctor/doctor.ts')).examine(options);
const keeping: Keeping = {
  verify: async (...order) => (await import('../app/keeping/keeping.ts')).keeping.verify(...order),
  forget: async (...order) => (await import('../app/keeping/keeping.ts')).keeping.forget(...order),
  prune: async (...order) => (await import('../app/keeping/keeping.ts')).keeping.prune(...order),
};

const tryNotifications: TryNotifications = async (settings) =>
  (await import('../app/try-notifications.ts')).tryNotifications(settings);

const exitCode = await run(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  signal: controller.signal,
  pressedAgain,
  nowMs: () => performance.now(),
  createApp,
  runReceiver,
  findUser,
  examine,
  keeping,
  tryNotifications,
  startProcess,
  isStarted,
  umask: (mask) => process.umask(mask),
  ask: process.stdin.isTTY && process.stderr.isTTY ? ask : undefined,
});
// Where an OpenTelemetry SDK was loaded: spans of the last seconds are not handed over yet.
if (Symbol.for('opentelemetry.js.api.1') in globalThis) await (await import('../tracing.ts')).flushSpans();
// On Windows pipes are asynchronous: what was written must be out first. Native threads of the SDK must not keep the process alive.
process.stdout.write('', () => process.exit(isOutputLost ? EXIT.unexpected : exitCode));
