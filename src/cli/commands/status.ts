/** `wds status`: what is going on. */
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { findEndpoint } from '../context.ts';
import type { GlobalOptions } from '../options.ts';
import { addExamples, numberFrom } from '../options.ts';
import { statusText } from '../output.ts';

export function registerStatus(program: Command, context: CommandContext): void {
  const command = program
    .command('status')
    .description('show the files and endpoints')
    .option('-n, --limit <count>', 'newest files only', numberFrom(1, 10_000, true), 20)
    .action(async ({ limit }: { readonly limit: number }, self: Command) => {
      await context.useApp(self, { logLevel: 'warn', complete: findEndpoint }, async ({ app }) => {
        const status = await app.status({ limit });
        const { output } = self.optsWithGlobals() as GlobalOptions;
        const { terminal } = context;
        if (output === 'text') terminal.data(statusText(status, terminal.paintData));
        else if (output === 'json') terminal.data(JSON.stringify(status, null, 2));
        else for (const file of status.files) terminal.data(JSON.stringify(file));
      });
    });
  addExamples(command, [
    ['the last 20 files', 'wds status'],
    ['failed files, for a script', `wds status -n 1000 -o jsonl | jq -r 'select(.state == "failed").file'`],
  ]);
}
