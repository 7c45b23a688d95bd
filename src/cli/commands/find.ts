/** `wds find USER`: was this user alerted, from which file, when, with which answer. */
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { foundText } from '../find-output.ts';
import type { GlobalOptions } from '../options.ts';
import { addExamples, numberFrom } from '../options.ts';

export function registerFind(program: Command, context: CommandContext): void {
  const command = program
    .command('find')
    .description('was this user alerted: in which files, on which lines, when, with which answer; of all endpoints')
    .argument('<user>', 'the user, exactly as in the file')
    .option('-n, --limit <count>', 'newest files only', numberFrom(1, 100_000, true), 100)
    .action(async (userId: string, { limit }: { readonly limit: number }, self: Command) => {
      const { terminal, invocation } = context;
      const at = await context.settings(self, { logLevel: 'warn' });
      const found = await invocation.findUser({ at, userId, limit, say: (text) => terminal.message(text) });
      const { output } = self.optsWithGlobals() as GlobalOptions;
      if (output === 'text') terminal.data(foundText(found, terminal.paintData));
      else if (output === 'json') terminal.data(JSON.stringify(found, null, 2));
      else for (const alert of found.alerts) terminal.data(JSON.stringify(alert));
      context.exitCode = found.alerts.length === 0 ? EXIT.notFound : EXIT.allDelivered;
    });
  addExamples(command, [
    ['did user 4711 get the alert?', 'wds find 4711'],
    ['for a script', `wds find 4711 -o json | jq -r '.alerts[].outcome'`],
    ['a user that begins with a dash', 'wds find -- -4711'],
  ]);
}
