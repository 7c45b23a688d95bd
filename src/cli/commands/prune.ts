/** `wds prune`: removes what is older than it has to be kept, and never a receipt. */
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { Part, RetainMs } from '../../config/settings.ts';
import { DAY_MS, PARTS } from '../../config/settings.ts';
import { Fault } from '../../domain/failure.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import type { GlobalOptions } from '../options.ts';
import { addExamples, FILE_ARGUMENT, numberFrom } from '../options.ts';
import { prunedText } from '../prune-output.ts';

interface PruneFlags {
  readonly olderThan?: number;
  readonly part?: readonly Part[];
  readonly force?: true;
  readonly dryRun?: true;
}

export function registerPrune(program: Command, context: CommandContext): void {
  const command = program
    .command('prune')
    .description('remove what is older than it has to be kept of files that have ended; receipts always stay')
    .argument('[file]', `only of this one, whatever its age: ${FILE_ARGUMENT}`)
    .option('--older-than <days>', 'instead of store.retainDays', numberFrom(0, 36_500, false))
    .option('--part <parts>', `only these: ${PARTS.join(',')}`, partsOf)
    .option('--force', 'also what can still be retried: it cannot be any more')
    .option('--dry-run', 'say what would go, and remove nothing')
    .action(async (file: string | undefined, flags: PruneFlags, self: Command) => {
      const { terminal, invocation } = context;
      await context.useHome(self, async (home) => {
        const retainMs = retainOf(file, flags, home.settings.retainMs);
        terminal.progress('looking …');
        const order = { file, retainMs, force: flags.force === true, dryRun: flags.dryRun === true };
        const result = await invocation.keeping.prune(home, order);
        terminal.progress('');
        const { output } = self.optsWithGlobals() as GlobalOptions;
        if (output === 'text') terminal.data(prunedText(result, terminal.paintData));
        else if (output === 'json') terminal.data(JSON.stringify(result, null, 2));
        else for (const one of result.files) terminal.data(JSON.stringify(one));
        if (invocation.signal.aborted) context.exitCode = EXIT.interrupted;
      });
    });
  addExamples(command, [
    ['what would go, by store.retainDays', 'wds prune --dry-run'],
    ['what is older than a month', 'wds prune --older-than 30'],
    ['the dropped files alone', 'wds prune --older-than 7 --part original'],
    ['all of one file but its receipts', 'wds prune alerts.csv'],
  ]);
}

function retainOf(file: string | undefined, { olderThan, part = PARTS }: PruneFlags, stated: RetainMs): RetainMs {
  const days = olderThan ?? (file === undefined ? undefined : 0);
  const ages = part.flatMap((name): [Part, number][] => {
    const keptMs = days === undefined ? stated[name] : days * DAY_MS;
    return keptMs === undefined ? [] : [[name, keptMs]];
  });
  if (ages.length > 0) return Object.fromEntries(ages);
  throw new Fault(
    'usage',
    'it is not said for how long files are kept',
    'Give --older-than DAYS, or store.retainDays in wds.config.yaml; --dry-run says what would go.',
  );
}

function partsOf(text: string): readonly Part[] {
  const named = text.split(',').map((name) => name.trim());
  const known = PARTS.filter((part) => named.includes(part));
  if (known.length === new Set(named).size) return known;
  throw new InvalidArgumentError(`Expected one or several of ${PARTS.join(', ')}, with commas between them.`);
}
