/** `wds send FILE…`: delivers files and waits for how they end. */
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { requireEndpoint } from '../context.ts';
import { addExamples } from '../options.ts';
import type { DeliveryFlags } from './delivery.ts';
import { addSendFlags, deadlineMs, showDelivery } from './delivery.ts';

export function registerSend(program: Command, context: CommandContext): void {
  const command = program
    .command('send')
    .description('deliver files and wait; the exit code says how it ended')
    .argument('<file...>', 'CSV, NDJSON or JSON, plain or .gz')
    .action(async (files: string[], flags: DeliveryFlags, self: Command) => {
      await context.useApp(self, { logLevel: 'warn', complete: requireEndpoint }, async ({ app }) => {
        await showDelivery(context, self, files.length === 1, (observer) =>
          app.send(files, { observer, deadlineMs: deadlineMs(flags), priority: flags.priority }),
        );
      });
    });
  addSendFlags(command);
  addExamples(command, [
    ['deliver a file, 100 alerts a second', 'wds send alerts.csv --url https://example.com/hook --rate 100'],
    ['for a script: one JSON object', 'wds send alerts.csv -o json'],
    ['several files, a line of JSON for each as it ends', 'wds send *.csv.gz -o jsonl'],
    ['before everything else that waits', 'wds send alerts.csv --priority urgent'],
    ['a corrected file: nobody gets a message again', 'wds send corrected.csv --once message'],
    ['20 alerts, and the rest after wds approve alerts.csv', 'wds send alerts.csv --first 20'],
    ['not to those who have unsubscribed', 'wds send alerts.csv --suppress-file suppressed.txt'],
    ['by day, where the users are', "wds send alerts.csv --window '08:00-20:00 Europe/Berlin'"],
    ['a CSV file without a header line', 'wds send raw.csv --no-header'],
  ]);
}
