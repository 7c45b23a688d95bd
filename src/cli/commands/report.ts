/** `wds report FILE`: how one file ended; the exit code is the one that `wds send` had or would have had. */
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { findEndpoint } from '../context.ts';
import type { Forgiven } from '../exit-codes.ts';
import { exitCodeOfReport } from '../exit-codes.ts';
import type { GlobalOptions } from '../options.ts';
import { addEndpointChoice, addExamples, FILE_ARGUMENT } from '../options.ts';
import { reportText } from '../output.ts';
import { addAllowInvalid } from './delivery.ts';

export function registerReport(program: Command, context: CommandContext): void {
  const command = program
    .command('report')
    .description('show how a file ended and where its reports are; exits as `wds send` would')
    .argument('<file>', FILE_ARGUMENT)
    .action(async (file: string, flags: Forgiven, self: Command) => {
      await context.useApp(self, { logLevel: 'warn', complete: findEndpoint }, async ({ app }) => {
        const report = await app.report(file);
        const { output } = self.optsWithGlobals() as GlobalOptions;
        const { terminal } = context;
        if (output === 'text') terminal.data(reportText(report, terminal.paintData));
        else terminal.data(JSON.stringify(report, null, output === 'json' ? 2 : undefined));
        context.exitCode = exitCodeOfReport(report, flags);
      });
    });
  addEndpointChoice(command);
  addAllowInvalid(command);
  addExamples(command, [
    ['by the file that was dropped', 'wds report alerts.csv'],
    ['by its SHA-256, as JSON', 'wds report 3f2a9c1d77b0 -o json'],
  ]);
}
