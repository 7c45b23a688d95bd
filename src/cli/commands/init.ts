/** `wds init`: prepares a Temporal service that wds does not run itself. */
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import type { GlobalOptions } from '../options.ts';
import { addExamples } from '../options.ts';
import { initText } from '../output.ts';

export function registerInit(program: Command, context: CommandContext): void {
  const command = program
    .command('init')
    .description("register wds's search attributes with the Temporal service (the embedded server has them)")
    .action(async (_flags: object, self: Command) => {
      await context.useApp(self, { logLevel: 'warn' }, async ({ app }) => {
        const result = await app.init();
        const { output } = self.optsWithGlobals() as GlobalOptions;
        const json = JSON.stringify(result, null, output === 'json' ? 2 : undefined);
        context.terminal.data(output === 'text' ? initText(result) : json);
      });
    });
  addExamples(command, [['once per namespace', 'wds init --temporal-address temporal.example.com:7233']]);
}
