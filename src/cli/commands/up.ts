/** `wds up`: everything in one process tree. */
import type { Command } from 'commander';
import type { FileEnd } from '../../app/app.ts';
import type { CommandContext } from '../context.ts';
import { findEndpoint } from '../context.ts';
import { addExamples, addSettings, ENDPOINT_FLAGS, PARSE_FLAGS } from '../options.ts';
import { endText } from '../output.ts';

export function registerUp(program: Command, context: CommandContext): void {
  const command = program
    .command('up')
    .description('run everything: Temporal where none is set, watcher, workers, and a receiver where no endpoint is')
    .option('--no-example', 'do not deliver the bundled example, also where nothing is configured')
    .action(async ({ example }: { readonly example: boolean }, self: Command) => {
      const exampleEnded = (end: FileEnd): void => context.terminal.message(endText(end, (text) => text));
      await context.useApp(self, { logLevel: 'info', complete: findEndpoint }, ({ app }) =>
        app.up({ example, exampleEnded }),
      );
    });
  addSettings(command, ENDPOINT_FLAGS);
  addSettings(command, PARSE_FLAGS);
  addExamples(command, [
    ['see it work: a bundled receiver takes the alerts', 'wds up'],
    ['deliver what is dropped into ./inbox', 'wds up --url https://example.com/hook --rate 100'],
  ]);
}
