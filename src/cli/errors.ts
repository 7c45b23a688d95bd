/** What a person reads about an error, on stderr. What came from outside is shown without control characters. */
import type { CommanderError } from 'commander';
import { plainText } from '../domain/plain-text.ts';
import { knownFault } from '../known-faults.ts';
import type { Terminal } from './terminal.ts';

/** `command`: the one whose help is the next step. */
export function printUsageError(error: CommanderError, command: string | undefined, terminal: Terminal): void {
  const [message = '', ...more] = error.message.replace(/^error: /, '').split('\n');
  const suggestion = more.join(' ').trim();
  terminal.message(`${terminal.paintMessage('wds:', 'red')} ${plainText(message)}${suggestion && ` ${suggestion}`}`);
  terminal.message(`  See: wds ${command === undefined ? '' : `${command} `}--help`);
}

/** What went wrong and the next step; the stack only for those who ask for it. */
export function printError(error: unknown, terminal: Terminal, debugging = false): void {
  const fault = knownFault(error);
  const text = fault?.message ?? (error instanceof Error ? error.message : String(error));
  const lines = text.split('\n').map(plainText).join('\n');
  terminal.message(
    `${terminal.paintMessage('wds:', 'red')} ${fault === undefined ? 'unexpected error: ' : ''}${lines}`,
  );
  if (fault?.nextStep !== undefined) terminal.message(`  ${fault.nextStep}`);
  if (fault === undefined && !debugging)
    terminal.message('  Run it again with --log-level debug to see where it comes from.');
  if (debugging && error instanceof Error && error.stack !== undefined) terminal.message(error.stack);
}
