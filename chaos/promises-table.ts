/** The promises with figures, as Markdown: what was done to wds in all rounds, and how often each promise was broken. */
import type { Figures } from './judge.ts';
import { PROMISES } from './judge.ts';
import type { RoundResult } from './round.ts';

export function promisesTable(rounds: readonly RoundResult[]): string {
  const broken = new Map<string, number>();
  for (const { promise } of rounds.flatMap(({ findings }) => findings)) {
    broken.set(promise, (broken.get(promise) ?? 0) + 1);
  }
  const promises = Object.entries(PROMISES).map(([name, text]) => [text, `${broken.get(name) ?? 0}`]);
  const attacks = new Map<string, number>();
  for (const round of rounds) {
    for (const [what, times] of round.attacks) attacks.set(what, (attacks.get(what) ?? 0) + times);
  }
  const inOrder = [...attacks].sort(([a], [b]) => a.localeCompare(b)).map(([what, times]) => [what, `${times}`]);
  return [
    rows(['promise', 'broken'], promises),
    rows(['measured', 'figure'], measured(rounds)),
    rows(['done to it', 'times'], inOrder),
  ].join('\n\n');
}

function measured(rounds: readonly RoundResult[]): string[][] {
  const sum = (of: (figures: Figures) => number): string =>
    grouped(rounds.reduce((total, { figures }) => total + of(figures), 0));
  const most = (values: readonly number[]): number => Math.max(0, ...values);
  const by = (name: 'policy' | 'rate'): string => {
    const times = new Map<string, number>();
    for (const { plan } of rounds) times.set(`${plan[name]}`, (times.get(`${plan[name]}`) ?? 0) + 1);
    return [...times].map(([value, count]) => `${value} ${count}`).join(', ');
  };
  const second = (policy: string): string =>
    grouped(rounds.reduce((total, { plan, figures }) => total + (plan.policy === policy ? figures.second : 0), 0));
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
  const terminations = rounds.flatMap((round) => round.terminations).filter(({ name }) => /-/.test(name));
  return [
    ['rounds', `${rounds.length} (${by('policy')}; rates: ${by('rate')})`],
    ['files', sum(({ files }) => files)],
    ['alerts', sum(({ alerts }) => alerts)],
    ['requests that arrived', sum(({ requests }) => requests)],
    ['accepted beyond the first, `resend` (all named)', second('resend')],
    ['accepted beyond the first, `hold` (only after a press)', second('hold')],
    ['unconfirmed, before the last press', sum(({ unconfirmed }) => unconfirmed)],
    [
      'most requests for one alert that may have been acted on',
      `${most(rounds.map(({ figures }) => figures.mostForOne))}`,
    ],
    [
      'from the end of the faults to the end of all files, at most',
      seconds(most(rounds.map(({ settledMs }) => settledMs))),
    ],
    ["from SIGTERM to a process's end, at most", seconds(most(terminations.map(({ ms }) => ms)))],
  ];
}

const grouped = (value: number): string => value.toLocaleString('en-GB');

function rows(head: readonly string[], body: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...body].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
