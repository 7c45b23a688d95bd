/** `wds completion SHELL`: prints the script by which a shell completes wds. */
import type { Command } from 'commander';
import { Argument } from 'commander';
import type { Shell } from '../completion.ts';
import { completionScript, SHELLS } from '../completion.ts';
import type { CommandContext } from '../context.ts';
import { addExamples } from '../options.ts';

export function registerCompletion(program: Command, context: CommandContext): void {
  const command = program
    .command('completion')
    .description('print the script by which your shell completes commands and flags')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .action((shell: Shell) => context.terminal.data(completionScript(shell, program).trimEnd()));
  addExamples(command, [
    ['bash: in ~/.bashrc', 'eval "$(wds completion bash)"'],
    ['zsh: in ~/.zshrc, after compinit', 'eval "$(wds completion zsh)"'],
    ['fish', 'wds completion fish > ~/.config/fish/completions/wds.fish'],
  ]);
}
