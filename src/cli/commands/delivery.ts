/** What `send` and `retry` share: progress while files are under way, their results on stdout, and the exit code of the worst. */
import type { Command } from 'commander';
import { Option } from 'commander';
import type { DeliveryObserver, FileEnd } from '../../app/app.ts';
import type { FilePriority } from '../../domain/contracts.ts';
import { Fault } from '../../domain/failure.ts';
import type { CommandContext } from '../context.ts';
import { printError } from '../errors.ts';
import { exitCodeOfEnd, worstExitCode } from '../exit-codes.ts';
import type { GlobalOptions } from '../options.ts';
import {
  addEndpointFlags,
  addSettings,
  CARE_FLAGS,
  flagsToRepeat,
  numberFrom,
  ONCE_FLAGS,
  PARSE_FLAGS,
  RESTRAINT_FLAGS,
} from '../options.ts';
import { endObject, endText, noticeText } from '../output.ts';
import { ProgressDisplay } from '../progress.ts';

export interface DeliveryFlags {
  readonly deadline?: number;
  readonly priority: FilePriority;
  readonly allowInvalid?: true;
}

export function addAllowInvalid(command: Command): Command {
  return command.option('--allow-invalid', 'invalid rows do not count for the exit code');
}

export function addDeadline(command: Command): Command {
  return command.option(
    '--deadline <seconds>',
    'stop waiting after this time, with exit code 75; the delivery goes on where workers run',
    numberFrom(0.1, 31_536_000, false),
  );
}

export function addPriority(command: Command): Command {
  return command.addOption(
    new Option(
      '--priority <priority>',
      'urgent files are sent before normal ones that wait, where Temporal can do that',
    )
      .choices(['urgent', 'normal'])
      .default('normal'),
  );
}

/** All that `send` takes. */
export function addSendFlags(command: Command): void {
  addEndpointFlags(command);
  addSettings(command, PARSE_FLAGS);
  addSettings(command, ONCE_FLAGS);
  addSettings(command, CARE_FLAGS);
  addSettings(command, RESTRAINT_FLAGS);
  addPriority(command);
  addDeadline(command);
  addAllowInvalid(command);
}

export const deadlineMs = (flags: DeliveryFlags): number | undefined =>
  flags.deadline === undefined ? undefined : flags.deadline * 1_000;

/** Runs `deliver` with an observer and prints what became of the files. `single`: -o json prints an object, not an array. */
export async function showDelivery(
  context: CommandContext,
  command: Command,
  single: boolean,
  deliver: (observer: DeliveryObserver) => Promise<readonly FileEnd[]>,
): Promise<readonly FileEnd[]> {
  const { terminal, invocation } = context;
  const { output } = command.optsWithGlobals() as GlobalOptions;
  const display = new ProgressDisplay(terminal, invocation.nowMs);
  const notice = (end: FileEnd): void => {
    const text = noticeText(end, terminal.paintMessage);
    if (text !== undefined) terminal.message(text);
  };
  const ends = await deliver({
    progress: (update) => display.update(update),
    ended(end) {
      display.ended(end.kind === 'failed' ? end.file : end.result.file);
      if (output === 'jsonl') terminal.data(JSON.stringify(endObject(end)));
      if (end.kind === 'failed') printEndedFault(end, context);
      else if (output === 'text') terminal.data(endText(end, terminal.paintData, flagsToRepeat(command)));
      else notice(end);
    },
  });
  terminal.progress('');
  if (output === 'json') {
    const objects = ends.map(endObject);
    terminal.data(JSON.stringify(single ? objects[0] : objects, null, 2));
  }
  const flags = command.opts<DeliveryFlags>();
  context.exitCode = worstExitCode(ends.map((end) => exitCodeOfEnd(end, flags)));
  return ends;
}

/** A file without a result is told on stderr, whatever the output format. */
function printEndedFault(end: FileEnd & { kind: 'failed' }, { terminal }: CommandContext): void {
  const { fault, file } = end;
  const message = fault.message.includes(file) ? fault.message : `${file}: ${fault.message}`;
  const named = fault instanceof Fault ? new Fault(fault.code, message, fault.nextStep) : new Error(message);
  printError(named, terminal);
}
