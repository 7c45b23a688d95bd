/** `wds notify --test`: whether notifications get through. */
import type { Command } from 'commander';
import type { NotificationTry } from '../../app/try-notifications.ts';
import { Fault } from '../../domain/failure.ts';
import { plainText } from '../../domain/plain-text.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import type { GlobalOptions } from '../options.ts';
import { addExamples } from '../options.ts';
import { duration } from '../output.ts';
import type { Paint } from '../terminal.ts';

export function registerNotify(program: Command, context: CommandContext): void {
  const command = program
    .command('notify')
    .description('send a notification by each way that is configured, and say what came of it')
    .option('--test', 'send one now')
    .action(async (flags: { readonly test?: true }, self: Command) => {
      if (flags.test === undefined) {
        const next = 'See docs/notifications.md for what is told by itself.';
        throw new Fault('usage', 'notify only sends a test: wds notify --test', next);
      }
      const { terminal, invocation } = context;
      const settings = await context.settings(self, { logLevel: 'warn' });
      const tries = await invocation.tryNotifications(settings);
      const { output } = self.optsWithGlobals() as GlobalOptions;
      if (output === 'text') for (const one of tries) terminal.data(tryText(one, terminal.paintData));
      else if (output === 'json') terminal.data(JSON.stringify(tries, null, 2));
      else for (const one of tries) terminal.data(JSON.stringify(one));
      context.exitCode = tries.every(({ ok }) => ok) ? EXIT.allDelivered : EXIT.unexpected;
    });
  addExamples(command, [
    ['do notifications get through?', 'wds notify --test'],
    ['the same for a script', "wds notify --test -o jsonl | jq -r 'select(.ok | not).answer'"],
  ]);
}

const tryText = ({ way, to, ok, answer, seconds }: NotificationTry, paint: Paint): string =>
  `${ok ? paint('✓', 'green') : paint('✗', 'red')} ${way.padEnd(7)}  ${plainText(to)}  ${ok ? 'it got through' : 'it did not get through'}: ${plainText(answer)} (${duration(seconds)})`;
