import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { wds } from './fake-app.ts';

const scriptOf = async (shell: string): Promise<string> => {
  const { code, out, err, calls } = await wds(['completion', shell]);
  expect({ code, err, calls }).toEqual({ code: 0, err: '', calls: [] });
  return out;
};

/** What bash offers for the last of the words. */
function offered(script: string, ...words: string[]): string[] {
  const line = ['wds', ...words].map((word) => `'${word}'`).join(' ');
  const run = `${script}\nCOMP_WORDS=(${line}); COMP_CWORD=${words.length}; _wds; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', run], { encoding: 'utf8' }).trim().split('\n');
}

test.each<[string[], string[]]>([
  [['re'], ['report', 'retry', 'resend', 'resume', 'receiver']],
  [
    ['endpoint', 're'],
    ['resume', 'release'],
  ],
  [['send', '--prio'], ['--priority']],
  [['send', 'a.csv', '--priority', 'u'], ['urgent']],
  [['-o', 'json', 'endpoint', 'set-rate', '--ho'], ['--home']],
  [
    ['status', '-o', 'js'],
    ['json', 'jsonl'],
  ],
  [['report', 'inv'], ['']],
])('bash completes %j with %j; files are its own business', async (words, expected) => {
  expect(offered(await scriptOf('bash'), ...words).sort()).toEqual(expected.sort());
});

test('zsh and fish are told of the same commands, flags and choices', async () => {
  const zsh = await scriptOf('zsh');
  expect(zsh).toContain('#compdef wds');
  expect(zsh).toMatch(/"endpoint set-rate"\) flags=\(.*--home.*\) commands=\(\)/);
  expect(zsh).toContain('-o|--output) compadd -- text json jsonl; return ;;');
  const fish = await scriptOf('fish');
  expect(fish).toMatch(/^complete -c wds -f -n __fish_use_subcommand -a find -d '.+'$/m);
  expect(fish).toMatch(/^complete -c wds -s o -l output -x -a 'text json jsonl' -d '.+'$/m);
  expect(fish).toContain(
    "-n '__fish_seen_subcommand_from endpoint; and __fish_seen_subcommand_from set-rate'".slice(0, 40),
  );
});

test('another shell is a usage error that names those there are', async () => {
  const { code, err } = await wds(['completion', 'tcsh']);
  expect(code).toBe(2);
  expect(err).toContain('bash, zsh, fish');
});
