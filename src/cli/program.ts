/** The command line as a tree of commands. It declares; main.ts alone prints usage errors and exits. */
import { Command } from 'commander';
import { VERSION } from '../version.ts';
import { registerApi } from './commands/api.ts';
import { registerCompletion } from './commands/completion.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerEndpoint } from './commands/endpoint.ts';
import { registerFileOrders } from './commands/file-orders.ts';
import { registerFind } from './commands/find.ts';
import { registerForget } from './commands/forget.ts';
import { registerInit } from './commands/init.ts';
import { registerNotify } from './commands/notify.ts';
import { registerPreview } from './commands/preview.ts';
import { registerPrune } from './commands/prune.ts';
import { registerReceiver } from './commands/receiver.ts';
import { registerReport } from './commands/report.ts';
import { registerResend } from './commands/resend.ts';
import { registerRetry } from './commands/retry.ts';
import { registerSend } from './commands/send.ts';
import { registerStatus } from './commands/status.ts';
import { registerUp } from './commands/up.ts';
import { registerVerify } from './commands/verify.ts';
import { registerWatch } from './commands/watch.ts';
import { registerWorker } from './commands/worker.ts';
import type { CommandContext } from './context.ts';
import { addExamples, addGlobalOptions } from './options.ts';

const EXIT_CODES = `
Exit codes:
  0   all delivered                      5   not found
  1   unexpected                        65   a file was refused as a whole
  2   usage or configuration            69   Temporal unreachable
  3   alerts rejected or undelivered    75   still running at the deadline
  4   unconfirmed alerts: you decide   130   interrupted`;

export function buildProgram(context: CommandContext): Command {
  const { stdout, stderr } = context.invocation;
  const program = new Command('wds')
    .description('Webhook Delivery System: delivers files of alerts to a webhook, each alert once.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      // Usage errors are printed where they are caught.
      outputError: () => undefined,
    })
    .configureHelp({ showGlobalOptions: true });
  addGlobalOptions(program);
  program.hook('preAction', (_program, action) => context.begin(action));

  registerUp(program, context);
  registerSend(program, context);
  registerPreview(program, context);
  registerStatus(program, context);
  registerReport(program, context);
  registerFind(program, context);
  registerRetry(program, context);
  registerResend(program, context);
  registerFileOrders(program, context);
  registerEndpoint(program, context);
  registerWatch(program, context);
  registerWorker(program, context);
  registerApi(program, context);
  registerReceiver(program, context);
  registerVerify(program, context);
  registerPrune(program, context);
  registerForget(program, context);
  registerNotify(program, context);
  registerInit(program, context);
  registerDoctor(program, context);
  registerCompletion(program, context);
  program
    .command('version')
    .description('print the version')
    .action(() => context.terminal.data(VERSION));

  addExamples(program, [
    ['everything in one process, with a receiver to try it out', 'wds up'],
    ['deliver a file and wait', 'wds send alerts.csv --url https://example.com/hook --rate 100'],
    ['what happened', 'wds report alerts.csv'],
  ]);
  program.addHelpText('after', EXIT_CODES);
  return program;
}
