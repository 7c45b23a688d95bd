/** `wds preview FILE…`: what `wds send` with the same flags would do, without doing it. */
import type { Command } from 'commander';
import type { FilePreview } from '../../app/preview.ts';
import { Fault } from '../../domain/failure.ts';
import type { CommandContext } from '../context.ts';
import { oneEndpointAtMost } from '../context.ts';
import { printError } from '../errors.ts';
import { EXIT, exitCodeOfError, worstExitCode } from '../exit-codes.ts';
import type { GlobalOptions } from '../options.ts';
import { addExamples, flagsToRepeat } from '../options.ts';
import { previewText } from '../preview-output.ts';
import type { DeliveryFlags } from './delivery.ts';
import { addSendFlags } from './delivery.ts';

export function registerPreview(program: Command, context: CommandContext): void {
  const command = program
    .command('preview')
    .description('read files to their end and show what would be sent; sends nothing, and needs no Temporal')
    .argument('<file...>', 'CSV, NDJSON or JSON, plain or .gz')
    .action(async (files: string[], flags: DeliveryFlags, self: Command) => {
      await context.useApp(self, { logLevel: 'warn', complete: oneEndpointAtMost }, async ({ app, settings }) => {
        const { terminal } = context;
        const { output } = self.optsWithGlobals() as GlobalOptions;
        const previews: FilePreview[] = [];
        const codes: number[] = [];
        for (const file of files) {
          try {
            const preview = await app.preview(file);
            previews.push(preview);
            codes.push(exitCodeOf(preview, flags));
            const rate = settings.endpoint?.rate;
            if (output === 'text') terminal.data(previewText(preview, rate, terminal.paintData, flagsToRepeat(self)));
            if (output === 'jsonl') terminal.data(JSON.stringify(preview));
          } catch (error) {
            if (!(error instanceof Fault)) throw error;
            printError(error, terminal);
            codes.push(exitCodeOfError(error));
          }
        }
        if (output === 'json') terminal.data(JSON.stringify(files.length === 1 ? previews[0] : previews, null, 2));
        context.exitCode = worstExitCode(codes);
      });
    });
  // So that one word is all the difference.
  addSendFlags(command);
  addExamples(command, [
    ['before 50,000 customers are alerted', 'wds preview alerts.csv --url https://example.com/hook --rate 100'],
    ['how many rows are valid, for a script', "wds preview alerts.csv -o json | jq '.counts.alerts'"],
  ]);
}

/** As sending it would end, as far as that depends on its rows. */
function exitCodeOf({ counts, refused }: FilePreview, { allowInvalid }: DeliveryFlags): number {
  if (refused !== null) return EXIT.fileRefused;
  return counts.invalid > 0 && !allowInvalid ? EXIT.someFailed : 0;
}
