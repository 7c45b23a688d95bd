/** `wds forget USER`: erases a user from a home. It cannot be taken back, so it is asked for twice. */
import type { Command } from 'commander';
import type { ForgetResult } from '../../app/keeping/keeping.ts';
import { Fault } from '../../domain/failure.ts';
import { plainText } from '../../domain/plain-text.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import type { GlobalOptions } from '../options.ts';
import { addExamples } from '../options.ts';
import { count } from '../output.ts';

interface ForgetFlags {
  readonly yes?: true;
  readonly dryRun?: true;
}

export function registerForget(program: Command, context: CommandContext): void {
  const command = program
    .command('forget')
    .description('erase a user: from contents, rows, reports and dropped files; receipts stay, without the person')
    .argument('<user>', 'the user, exactly as in the files')
    .option('--yes', 'without being asked')
    .option('--dry-run', 'say which files name the user, and erase nothing')
    .action(async (userId: string, { yes, dryRun: look }: ForgetFlags, self: Command) => {
      const dryRun = look === true;
      const { terminal, invocation } = context;
      if (userId === '') throw new Fault('usage', 'the user is empty', 'See: wds forget --help');
      if (!yes && !dryRun && invocation.ask === undefined) {
        const next = 'Give --yes to erase without being asked, or --dry-run to see which files name the user.';
        throw new Fault('usage', 'nobody is here to be asked whether this user is to be erased', next);
      }
      await context.useHome(self, async (home) => {
        terminal.progress('looking …');
        const confirm = async ({ files }: { readonly files: readonly unknown[] }): Promise<boolean> => {
          terminal.progress('');
          if (yes || invocation.ask === undefined) return yes === true;
          const where = files.length === 1 ? '1 file' : `${count(files.length)} files`;
          const question = `Erase ${plainText(userId)} from ${where}, for good? Their contents and dropped files go as a whole. Type yes: `;
          return (await invocation.ask(question)).trim().toLowerCase() === 'yes';
        };
        const result = await invocation.keeping.forget(home, { userId, dryRun, confirm });
        terminal.progress('');
        const { output } = self.optsWithGlobals() as GlobalOptions;
        if (output === 'text') terminal.data(forgottenText(userId, result, dryRun));
        else if (output === 'json') terminal.data(JSON.stringify(result, null, 2));
        else for (const file of result.files) terminal.data(JSON.stringify(file));
        if (result.files.length === 0) context.exitCode = EXIT.notFound;
        else if (!result.erased && !dryRun) context.exitCode = EXIT.stopped;
      });
    });
  addExamples(command, [
    ['which files name user 4711?', 'wds forget 4711 --dry-run'],
    ['erase, after a question', 'wds forget 4711'],
    ['in a script', 'wds forget 4711 --yes'],
  ]);
}

function forgottenText(userId: string, { erased, files, olderVersions }: ForgetResult, dryRun: boolean): string {
  const user = plainText(userId);
  if (files.length === 0) return `${user} is in no file that wds keeps.`;
  const lines = files.map(({ file, alerts }) => {
    const what = alerts === 0 ? 'rows that were no alerts' : alerts === 1 ? '1 alert' : `${count(alerts)} alerts`;
    return `  ${plainText(file)}: ${what}`;
  });
  const where = files.length === 1 ? '1 file' : `${count(files.length)} files`;
  if (dryRun) return [`${user} would be erased from ${where}:`, ...lines].join('\n');
  if (!erased) return 'Nothing was erased.';
  const rest =
    'Receipts stay, by line and without the user. Backups, and what your receiver keeps, are yours to erase.';
  const versions = olderVersions
    ? ['The bucket keeps versions, and older ones still name the user: expire them (NoncurrentVersionExpiration).']
    : [];
  return [`${user} is erased from ${where}:`, ...lines, rest, ...versions].join('\n');
}
