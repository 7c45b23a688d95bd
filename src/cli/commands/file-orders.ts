/** `wds pause FILE`, `wds resume FILE`, `wds approve FILE`, `wds cancel FILE`: orders to a delivery that is under way. */
import type { Command } from 'commander';
import type { App, FileStatus } from '../../app/app.ts';
import type { CommandContext } from '../context.ts';
import { findEndpoint } from '../context.ts';
import type { GlobalOptions } from '../options.ts';
import { addEndpointChoice, addExamples, FILE_ARGUMENT, flagsToRepeat } from '../options.ts';
import { approveText, cancelText, pauseText, resumeText } from '../output.ts';

interface FileOrder {
  readonly name: string;
  readonly about: string;
  readonly give: (app: App, file: string) => Promise<FileStatus>;
  readonly text: (status: FileStatus, flags: string) => string;
  readonly example: readonly [string, string];
}

const FILE_ORDERS: readonly FileOrder[] = [
  {
    name: 'pause',
    about: 'send nothing more of a file until it is resumed',
    give: (app, file) => app.pauseFile(file, true),
    text: pauseText,
    example: ['let others go first', 'wds pause alerts.csv'],
  },
  {
    name: 'resume',
    about: 'go on with a file that was paused',
    give: (app, file) => app.pauseFile(file, false),
    text: resumeText,
    example: ['by its SHA-256', 'wds resume 3f2a9c1d77b0'],
  },
  {
    name: 'approve',
    about: 'go on with a file that waits for a decision: after its first alerts, or since too many have failed',
    give: (app, file) => app.approveFile(file),
    text: approveText,
    example: ['after a look at the first 20', 'wds approve alerts.csv'],
  },
  {
    name: 'cancel',
    about: 'end the delivery of a file; what was sent is in its report, wds retry sends the rest',
    give: (app, file) => app.cancelFile(file),
    text: cancelText,
    example: ['the wrong file was dropped', 'wds cancel alerts.csv'],
  },
];

export function registerFileOrders(program: Command, context: CommandContext): void {
  for (const { name, about, give, text, example } of FILE_ORDERS) {
    const command = program
      .command(name)
      .description(about)
      .argument('<file>', FILE_ARGUMENT)
      .action(async (file: string, _flags: object, self: Command) => {
        await context.useApp(self, { logLevel: 'warn', complete: findEndpoint }, async ({ app }) => {
          const status = await give(app, file);
          const { output } = self.optsWithGlobals() as GlobalOptions;
          const json = JSON.stringify(status, null, output === 'json' ? 2 : undefined);
          context.terminal.data(output === 'text' ? text(status, flagsToRepeat(self)) : json);
        });
      });
    addEndpointChoice(command);
    addExamples(command, [example]);
  }
}
