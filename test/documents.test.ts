/** What is written about wds, in its documents and in comments, names only what there is. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import type { CommandContext } from '../src/cli/context.ts';
import { buildProgram } from '../src/cli/program.ts';

const NOT_OURS = new Set(['node_modules', 'dist', '.git', '.wds', 'inbox']);
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name)) return [];
    const path = folder === '.' ? entry.name : join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

const files = filesBelow('.');
const folders = new Set(files.flatMap((path) => path.split('/').map((_, at, parts) => parts.slice(0, at).join('/'))));
const texts = files.filter((path) => /\.(ts|mjs|md|ya?ml)$|(^|\/)(Dockerfile|run)$/.test(path));
const documents = files.filter((path) => path.endsWith('.md'));
const textOf = new Map(texts.map((path) => [path, readFileSync(path, 'utf8')]));

/** A reader looks for it by its end: `governor.ts`, `governor/governor.ts` and the whole path all name the same file. */
const ends = new Set(
  files.flatMap((path) => {
    const parts = path.split('/');
    return parts.map((_, at) => parts.slice(at).join('/'));
  }),
);

/** Comments of code, and the whole of everything else. */
function proseOf(path: string): string {
  const text = textOf.get(path) ?? '';
  if (!/\.(ts|mjs)$/.test(path)) return text;
  return (text.match(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm) ?? []).join('\n');
}

describe('every file that a text names', () => {
  it('exists: sources, scripts and documents by their names or paths', () => {
    const missing = texts.flatMap((path) =>
      [...proseOf(path).matchAll(/(?<![\w./<>*…-])(?:\.\.?\/)*([\w.-]+(?:\/[\w.-]+)*\.(?:ts|mjs|md))\b/g)]
        .map(([, name = '']) => name)
        .filter((name) => !ends.has(name) && !ends.has(name.replace(/^dist\//, '')))
        .map((name) => `${path} names ${name}`),
    );
    expect(missing).toEqual([]);
  });

  it('exists: folders and other files by their paths from the top', () => {
    const tops = 'src|test|workflows|activities|bench|simulation|chaos|docs|scripts|examples|bin';
    const named = new RegExp(`(?<![\\w./<>*…-])((?:${tops})/[\\w./-]*\\w)(?![\\w/<*…{]|-\\w)`, 'g');
    const missing = texts.flatMap((path) =>
      [...proseOf(path).matchAll(named)]
        .map(([, name = '']) => name)
        .filter((name) => !files.includes(name) && !folders.has(name))
        .map((name) => `${path} names ${name}`),
    );
    expect(missing).toEqual([]);
  });
});

describe('every link', () => {
  const anchorsOf = (path: string): Set<string> =>
    new Set(
      [...readFileSync(path, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
        heading
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
          .replaceAll(' ', '-'),
      ),
    );

  it('leads to a file, and to a heading in it', () => {
    const broken = documents.flatMap((path) =>
      [...(textOf.get(path) ?? '').matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
        .filter(([, to = '', anchor]) => {
          const target = to === '' ? path : normalize(join(dirname(path), to));
          return !existsSync(target) || (anchor !== undefined && !anchorsOf(target).has(anchor));
        })
        .map(([link]) => `${path}: ${link}`),
    );
    expect(broken).toEqual([]);
  });
});

describe('every command', () => {
  const program = buildProgram({ invocation: process } as unknown as CommandContext);
  const inCode = documents.flatMap((path) =>
    [...(textOf.get(path) ?? '').matchAll(/^```[\s\S]*?^```|`[^`\n]+`/gm)]
      .flatMap(([code]) => code.replaceAll('`', '').split('\n'))
      .map((line) => ({ path, line: line.replace(/ #.*/, '').trim() })),
  );
  const namesOf = (command: Command): string[] => [command.name(), ...command.aliases()];

  /** What is wrong with the words behind `wds`; undefined: nothing. */
  function faultOf(words: readonly string[]): string | undefined {
    let command = program;
    const known = [...program.options];
    let rest = words;
    while (command.commands.length > 0 && rest.length > 0 && /^[a-z]/.test(rest[0]!)) {
      const next = command.commands.find((one) => namesOf(one).includes(rest[0]!));
      if (next === undefined) return `no command ${rest[0]}`;
      command = next;
      known.push(...command.options);
      rest = rest.slice(1);
    }
    const unknown = rest
      .filter((word) => /^--?[a-z]/i.test(word))
      .map((word) => word.replace(/[=,.;:].*$/, ''))
      .find((flag) => flag !== '--help' && !known.some(({ short, long }) => flag === short || flag === long));
    return unknown === undefined ? undefined : `no flag ${unknown}`;
  }

  it('that a document names exists, with its flags', () => {
    const commands = inCode.flatMap(({ path, line }) => {
      const [, text] = /^(?:npx |\$ )?wds +([a-z-].*)$/.exec(line) ?? [];
      const [first = '', ...rest] = text?.split(/\s+/) ?? [];
      return text === undefined ? [] : first.split(/\\?\|/).map((name) => ({ path, line, words: [name, ...rest] }));
    });
    expect(commands.length).toBeGreaterThan(50);
    const faults = commands.flatMap(({ path, line, words }) => {
      const fault = faultOf(words);
      return fault === undefined ? [] : [`${path}: ${line}: ${fault}`];
    });
    expect(faults).toEqual([]);
  });

  it('of npm that a document names is a script', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
    const named = inCode.flatMap(({ path, line }) =>
      [...line.matchAll(/\bnpm (?:run (?:--silent )?)?(start|test|[a-z]+(?::[a-z]+)?)(?= |$)/g)]
        .map(([command, name = '']) => ({ path, command, name, isRun: / run /.test(command) }))
        .filter(({ name, isRun }) => isRun || name === 'start' || name === 'test'),
    );
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter(({ name }) => scripts[name] === undefined)).toEqual([]);
  });
});

describe('the events of the log', () => {
  const sources = files
    .filter((path) => /^(src|activities|workflows)\/.*\.ts$/.test(path))
    .map((path) => textOf.get(path) ?? '');
  const code = sources.join('\n');
  const membersOf = (union: string): string[] => {
    const [, members = ''] = new RegExp(`type ${union} =([^;]+);`).exec(code) ?? [];
    return [...members.matchAll(/'(\w+)'/g)].map(([, member = '']) => member);
  };
  /** What stands for what in the template literals that make up names of events. */
  const variables: Readonly<Record<string, readonly string[]>> = {
    result: membersOf('SubmitResult'),
    step: membersOf('Step'),
  };
  const logged = new Set([
    ...[...code.matchAll(/\bevent: '(\w+)'/g)].map(([, name = '']) => name),
    ...[...code.matchAll(/\bevent: `(\w*)\$\{([\w.]+)\}(\w*)`/g)].flatMap(([, before, variable = '', after]) =>
      (variables[variable] ?? [`?${variable}`]).map((value) => `${before}${value}${after}`),
    ),
  ]);

  it('are those that the runbook lists', () => {
    const [, table = ''] =
      /\n\| event \| level \|[^\n]*\n\|---[^\n]*\n((?:\|[^\n]*\n)+)/.exec(textOf.get('docs/operations.md') ?? '') ?? [];
    const documented = table.split('\n').flatMap((row) => row.split('|')[1]?.match(/\w+(?=`)/g) ?? []);
    expect([...logged].sort()).toEqual(documented.sort());
  });
});
