/** Runs one command line and answers with its exit code. Errors end here, on stderr. */
import type { Command } from 'commander';
import { CommanderError } from 'commander';
import { Fault } from '../domain/failure.ts';
import type { Invocation } from './context.ts';
import { CommandContext } from './context.ts';
import { printError, printUsageError } from './errors.ts';
import { EXIT, exitCodeOfError } from './exit-codes.ts';
import { meantByNpm } from './npm-flags.ts';
import { optionsOf } from './options.ts';
import { buildProgram } from './program.ts';

/** `args`: without the program's own name. Never throws. */
export async function run(args: readonly string[], invocation: Invocation): Promise<number> {
  const context = new CommandContext(invocation);
  const program = buildProgram(context);
  const onAbort = (): void => {
    if (invocation.isStarted) return;
    const notice = context.interruptNotice;
    context.terminal.message(
      `Stopping … ${notice === undefined ? '' : `${notice} `}Press Ctrl-C again to stop at once.`,
    );
  };
  invocation.signal.addEventListener('abort', onAbort, { once: true });
  invocation.pressedAgain.mayEnd = () => context.mayEndAtOnce();
  try {
    refuseFlagsKeptByNpm(program, args, invocation);
    await program.parseAsync(args, { from: 'user' });
    return context.exitCode;
  } catch (error) {
    context.terminal.progress('');
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      const command = commandOf(program, args);
      // Commander has printed the help already where no command was given.
      if (error.code !== 'commander.help') printUsageError(error, command?.name(), context.terminal);
      return EXIT.usage;
    }
    if (invocation.signal.aborted && !(error instanceof Fault)) return EXIT.interrupted;
    printError(error, context.terminal, isDebugging(args, invocation));
    return exitCodeOfError(error);
  } finally {
    invocation.signal.removeEventListener('abort', onAbort);
  }
}

const commandOf = (program: Command, args: readonly string[]): Command | undefined =>
  args.flatMap((arg) => program.commands.filter((candidate) => candidate.name() === arg))[0];

function refuseFlagsKeptByNpm(program: Command, args: readonly string[], { env }: Invocation): void {
  const command = commandOf(program, args) ?? program;
  const extra = args.slice(args.indexOf(command.name()) + 1).filter((arg) => !arg.startsWith('-'));
  const meant = meantByNpm(env, optionsOf(command), extra);
  if (meant === undefined) return;
  throw new Fault(
    'usage',
    `npm has kept ${meant.kept.join(' and ')} for itself: wds gets only what comes after --`,
    `Put -- in between: ${meant.command}`,
  );
}

const isDebugging = (args: readonly string[], { env }: Invocation): boolean =>
  /^(debug|trace)$/.test(env.WDS_LOG_LEVEL ?? '') || args.some((arg) => /^(--log-level=)?(debug|trace)$/.test(arg));
