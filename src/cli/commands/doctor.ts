/** `wds doctor`: what is wrong with this installation, and what to do about it. */
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { findEndpoint } from '../context.ts';
import { diagnosisText } from '../doctor-output.ts';
import { EXIT } from '../exit-codes.ts';
import type { GlobalOptions } from '../options.ts';
import { addEndpointFlags, addExamples } from '../options.ts';

export function registerDoctor(program: Command, context: CommandContext): void {
  const command = program
    .command('doctor')
    .description(
      'look at all that a delivery needs, and say what is wrong and what to do; sends nothing, changes nothing',
    )
    .action(async (_flags: object, self: Command) => {
      const { terminal, invocation } = context;
      terminal.progress('looking …');
      const input = context.loadInput(self, { logLevel: 'warn' });
      const diagnosis = await invocation.examine({ input, complete: findEndpoint });
      terminal.progress('');
      const { output } = self.optsWithGlobals() as GlobalOptions;
      if (output === 'text') terminal.data(diagnosisText(diagnosis, terminal.paintData));
      else if (output === 'json') terminal.data(JSON.stringify(diagnosis, null, 2));
      else for (const finding of diagnosis.findings) terminal.data(JSON.stringify(finding));
      const isAtFault = diagnosis.findings.some(({ state }) => state === 'fault');
      context.exitCode = isAtFault ? EXIT.unexpected : EXIT.allDelivered;
    });
  addEndpointFlags(command);
  addExamples(command, [
    ['is everything all right?', 'wds doctor'],
    ['would this endpoint do?', 'wds doctor --url https://example.com/hook'],
    ['what is at fault, for a script', `wds doctor -o jsonl | jq -r 'select(.state == "fault").found'`],
  ]);
}
