/** Scripts by which a shell completes commands, flags and their choices: made from the tree of commands, so that they name what there is. */
import type { Command, Option } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export function completionScript(shell: Shell, program: Command): string {
  const nodes = nodesOf(program, '');
  if (shell === 'fish') return fish(nodes);
  return shell === 'bash' ? bash(nodes) : zsh(nodes);
}

/** A command, or the program itself. */
interface Node {
  /** `endpoint set-rate`; '' for the program. */
  readonly path: string;
  readonly subcommands: readonly { readonly name: string; readonly about: string }[];
  /** Its own and those of the commands above it. */
  readonly flags: readonly Option[];
}

function nodesOf(command: Command, path: string, above: readonly Option[] = []): Node[] {
  const flags = [...command.options, ...above];
  const subcommands = command.commands.map((one) => ({ name: one.name(), about: one.description() }));
  const below = command.commands.flatMap((one) => nodesOf(one, `${path} ${one.name()}`.trim(), flags));
  return [{ path, subcommands, flags }, ...below];
}

const namesOf = ({ short, long }: Option): string[] => [short, long].filter((name) => name !== undefined);
const longNames = ({ flags }: Node): string => flags.flatMap(({ long }) => long ?? []).join(' ');

/** Of flags that take one of a few words, each once. */
function choicesOf(nodes: readonly Node[]): Map<string, readonly string[]> {
  const choices = nodes.flatMap(({ flags }) => flags.filter(({ argChoices }) => argChoices !== undefined));
  return new Map(choices.map((flag) => [namesOf(flag).join('|'), flag.argChoices ?? []]));
}

/** How the words before the cursor lead to a command; for bash and zsh. */
const stepsTo = (nodes: readonly Node[]): string =>
  nodes
    .filter(({ path }) => path !== '')
    .map(({ path }) => {
      const [name = '', ...above] = path.split(' ').reverse();
      return `      "${above.reverse().join(' ')} ${name}") at="${path}" ;;`;
    })
    .join('\n');

function bash(nodes: readonly Node[]): string {
  const choices = [...choicesOf(nodes)].map(
    ([names, words]) => `    ${names}) COMPREPLY=($(compgen -W "${words.join(' ')}" -- "$cur")); return ;;`,
  );
  const cases = nodes.map(
    (node) =>
      `    "${node.path}") flags="${longNames(node)}" commands="${node.subcommands.map(({ name }) => name).join(' ')}" ;;`,
  );
  return `# wds completion bash: eval "$(wds completion bash)", in ~/.bashrc
_wds() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" at="" flags="" commands="" word
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$at $word" in
${stepsTo(nodes)}
    esac
  done
  case "$before" in
${choices.join('\n')}
  esac
  case "$at" in
${cases.join('\n')}
  esac
  if [[ "$cur" == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  elif [[ -n "$commands" ]]; then COMPREPLY=($(compgen -W "$commands" -- "$cur"))
  fi
}
complete -o default -F _wds wds
`;
}

const zshText = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function zsh(nodes: readonly Node[]): string {
  const choices = [...choicesOf(nodes)].map(
    ([names, words]) => `    ${names}) compadd -- ${words.join(' ')}; return ;;`,
  );
  const cases = nodes.map((node) => {
    const about = node.subcommands.map(({ name, about: text }) => zshText(`${name}:${text.replaceAll(':', '\\:')}`));
    return `    "${node.path}") flags=(${longNames(node)}) commands=(${about.join(' ')}) ;;`;
  });
  return `#compdef wds
# wds completion zsh: eval "$(wds completion zsh)", in ~/.zshrc after compinit; or a file _wds in a folder of $fpath
_wds() {
  local at="" word
  local -a flags commands
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at $word" in
${stepsTo(nodes)}
    esac
  done
  case "\${words[CURRENT-1]}" in
${choices.join('\n')}
  esac
  case "$at" in
${cases.join('\n')}
  esac
  if [[ "\${words[CURRENT]}" == -* ]]; then compadd -- $flags
  elif (( $#commands )); then _describe command commands
  else _files
  fi
}
if [[ "\${funcstack[1]}" == _wds ]]; then _wds "$@"; else compdef _wds wds; fi
`;
}

const fishText = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

function fish(nodes: readonly Node[]): string {
  const lines = ['# wds completion fish > ~/.config/fish/completions/wds.fish'];
  for (const { path, subcommands, flags } of nodes) {
    const seen = path.split(' ').map((name) => `__fish_seen_subcommand_from ${name}`);
    const when = path === '' ? '' : ` -n ${fishText(seen.join('; and '))}`;
    for (const { name, about } of subcommands) {
      const first = path === '' ? ' -n __fish_use_subcommand' : when;
      lines.push(`complete -c wds -f${first} -a ${name} -d ${fishText(about)}`);
    }
    // Flags of the program are those of every command: named once.
    const own = path === '' ? flags : flags.filter((flag) => !nodes[0]!.flags.includes(flag));
    for (const { short, long, description, required, argChoices } of own) {
      const names = `${short === undefined ? '' : ` -s ${short.slice(1)}`} -l ${long?.slice(2)}`;
      const value = argChoices !== undefined ? ` -x -a ${fishText(argChoices.join(' '))}` : required ? ' -r' : '';
      lines.push(`complete -c wds${when}${names}${value} -d ${fishText(description)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
