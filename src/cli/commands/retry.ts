/** `wds retry [FILE|--all]`: a new round for what was not delivered. */
import type { Command } from 'commander';
import { Fault } from '../../domain/failure.ts';
import type { CommandContext } from '../context.ts';
import { findEndpoint } from '../context.ts';
import { addEndpointFlags, addExamples, addSettings, FILE_ARGUMENT, RESTRAINT_FLAGS } from '../options.ts';
import type { DeliveryFlags } from './delivery.ts';
import { addAllowInvalid, addDeadline, addPriority, deadlineMs, showDelivery } from './delivery.ts';

interface RetryFlags extends DeliveryFlags {
  readonly all?: true;
  readonly unconfirmed?: true;
}

export function registerRetry(program: Command, context: CommandContext): void {
  const command = program
    .command('retry')
    .description('send what was not delivered, and wait')
    .argument('[file]', FILE_ARGUMENT)
    .option('--all', 'every file that has something to retry')
    .option('--unconfirmed', 'send alerts whose answer was lost, too: their receivers may be alerted twice')
    .action(async (file: string | undefined, flags: RetryFlags, self: Command) => {
      if ((file === undefined) === (flags.all === undefined)) {
        throw new Fault('usage', 'retry needs either a FILE or --all', 'See: wds retry --help');
      }
      await context.useApp(self, { logLevel: 'warn', complete: findEndpoint }, async ({ app }) => {
        const unconfirmed = flags.unconfirmed === true;
        const ends = await showDelivery(context, self, file !== undefined, (observer) =>
          app.retry(file, { observer, deadlineMs: deadlineMs(flags), priority: flags.priority, unconfirmed }),
        );
        if (ends.length === 0) context.terminal.message('Nothing to retry.');
      });
    });
  addEndpointFlags(command);
  addSettings(command, RESTRAINT_FLAGS);
  addPriority(command);
  addDeadline(command);
  addAllowInvalid(command);
  addExamples(command, [
    ['one file', 'wds retry alerts.csv'],
    ['every file that has failures', 'wds retry --all'],
    ['now, whatever the hours in the configuration say', 'wds retry alerts.csv --window always'],
    ['you decided that the unconfirmed alerts are to be sent again', 'wds retry alerts.csv --unconfirmed'],
  ]);
}
