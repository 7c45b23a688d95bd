/** `wds resend USER FILE`: one alert again, on purpose, under a new ID. */
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { requireEndpoint } from '../context.ts';
import { addEndpointFlags, addExamples, FILE_ARGUMENT } from '../options.ts';
import type { DeliveryFlags } from './delivery.ts';
import { addDeadline, addPriority, deadlineMs, showDelivery } from './delivery.ts';

export function registerResend(program: Command, context: CommandContext): void {
  const command = program
    .command('resend')
    .description('send one alert that was delivered once more, on purpose, as a file of its own; wait for its end')
    .argument('<user>', 'the user, exactly as in the file')
    .argument('<file>', `the file that alerted it: ${FILE_ARGUMENT}`)
    .action(async (user: string, file: string, flags: DeliveryFlags, self: Command) => {
      await context.useApp(self, { logLevel: 'warn', complete: requireEndpoint }, async ({ app }) => {
        await showDelivery(context, self, true, async (observer) => [
          await app.resend(user, file, { observer, deadlineMs: deadlineMs(flags), priority: flags.priority }),
        ]);
      });
    });
  addEndpointFlags(command);
  addPriority(command);
  addDeadline(command);
  addExamples(command, [
    ['user 4711 has deleted it', 'wds resend 4711 invoices.csv'],
    ['was it sent, and when?', 'wds find 4711'],
  ]);
}
