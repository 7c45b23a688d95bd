/** `wds verify`: is all that is kept as it was written, and does it fit together. */
import type { Command } from 'commander';
import type { VerifyResult } from '../../app/keeping/verify/verify.ts';
import { plainText } from '../../domain/plain-text.ts';
import { bytesText } from '../../domain/progress/bytes-text.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import type { GlobalOptions } from '../options.ts';
import { addExamples, FILE_ARGUMENT } from '../options.ts';
import { count } from '../output.ts';
import type { Paint } from '../terminal.ts';

const MOST_SHOWN = 100;

export function registerVerify(program: Command, context: CommandContext): void {
  const command = program
    .command('verify')
    .description('hold the store against its checksums, and receipts against rows and reports; changes nothing')
    .argument('[file]', `only this one: ${FILE_ARGUMENT}`)
    .action(async (file: string | undefined, _flags: object, self: Command) => {
      const { terminal, invocation } = context;
      await context.useHome(self, async (home) => {
        const onProgress = (done: number, of: number): void =>
          terminal.progress(`looked at ${count(done)} of ${count(of)} files`);
        const result = await invocation.keeping.verify(home, { file, onProgress });
        terminal.progress('');
        const { output } = self.optsWithGlobals() as GlobalOptions;
        if (output === 'text') terminal.data(verifiedText(result, terminal.paintData));
        else if (output === 'json') terminal.data(JSON.stringify(result, null, 2));
        else for (const finding of result.findings) terminal.data(JSON.stringify(finding));
        if (invocation.signal.aborted) context.exitCode = EXIT.interrupted;
        else if (!result.sound) context.exitCode = EXIT.unexpected;
      });
    });
  addExamples(command, [
    ['after a crash, a full disk, or a restore', 'wds verify'],
    ['one file', 'wds verify alerts.csv'],
    ['what is at fault, for a script', `wds verify -o jsonl | jq -r 'select(.weight == "fault").found'`],
  ]);
}

function verifiedText({ findings, files, bytes, chunks, receipts }: VerifyResult, paint: Paint): string {
  const faults = findings.filter(({ weight }) => weight === 'fault').length;
  const lines = findings
    .slice(0, MOST_SHOWN)
    .flatMap(({ weight, file, where, found, next }) => [
      `${weight === 'fault' ? paint('✗', 'red') : paint('!', 'yellow')} ${plainText(file ?? 'the store')}: ${plainText(found)}`,
      `    ${plainText(where)}`,
      `  → ${plainText(next)}`,
    ]);
  const more =
    findings.length > MOST_SHOWN ? [`… and ${count(findings.length - MOST_SHOWN)} more; -o json lists all`] : [];
  const looked = `${count(files)} ${files === 1 ? 'file' : 'files'}, ${count(chunks)} chunks, ${count(receipts)} receipts, ${bytesText(bytes)}`;
  const verdict =
    faults === 0
      ? 'All is as it was written.'
      : `${count(faults)} ${faults === 1 ? 'thing is' : 'things are'} at fault.`;
  return [...lines, ...more, ...(lines.length > 0 ? [''] : []), `Looked at ${looked}.`, paint(verdict, 'bold')].join(
    '\n',
  );
}
