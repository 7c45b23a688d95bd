/**
 * Tries to break wds's promises with real processes, and tells what it found (options.ts has the flags). Rounds of about 80 s follow each
 * other with rising seeds. Exit code 0: no promise was broken; 1: one was, its folder is kept, and the line that repeats the round is
 * printed; 2: usage.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChaosOptions } from './options.ts';
import { choiceOf, readOptions, repeatLine, USAGE } from './options.ts';
import { eventText } from './plan.ts';
import { promisesTable } from './promises-table.ts';
import type { RoundResult } from './round.ts';
import { runRound } from './round.ts';
import { planRound } from './schedule.ts';

const MOST_SHOWN = 12;

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
try {
  const options = readOptions(process.argv.slice(2), Date.now());
  process.exitCode = await chaos(options);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n\n${USAGE}\n`);
  process.exitCode = 2;
}

async function chaos(options: ChaosOptions): Promise<number> {
  const root = options.folder ?? mkdtempSync(join(tmpdir(), 'wds-chaos-'));
  mkdirSync(root, { recursive: true });
  const startedMs = performance.now();
  const results: RoundResult[] = [];
  const minutes = (): number => (performance.now() - startedMs) / 60_000;
  for (let at = 0; at < options.rounds && (at === 0 || minutes() < options.minutes); at++) {
    const choice = choiceOf(options, options.seed + at);
    const plan = planRound(choice);
    console.log(
      `\n== round ${at + 1}: seed ${choice.seed}, ${choice.policy}, rate ${choice.rate}${choice.store === 'bucket' ? ', two hosts and one bucket' : ''}`,
    );
    if (options.planOnly || at === 0) {
      for (const { atMs, event } of plan.events) console.log(`   ${(atMs / 1_000).toFixed(1)} s ${eventText(event)}`);
    }
    if (options.planOnly) continue;
    const result = await runRound(plan, join(root, `round-${choice.seed}`), teller());
    results.push(result);
    tell(result);
  }
  if (results.length === 0) return 0;
  console.log(`\n${promisesTable(results)}`);
  const isBroken = results.some(({ findings }) => findings.length > 0);
  if (!isBroken && options.folder === undefined) rmSync(root, { recursive: true, force: true });
  return isBroken ? 1 : 0;
}

/** Lines with the seconds since the round began. */
function teller(): (text: string) => void {
  const startedMs = performance.now();
  return (text) => console.log(`   ${((performance.now() - startedMs) / 1_000).toFixed(1)} s ${text}`);
}

function tell({ plan, findings, figures, settledMs, seconds, folder }: RoundResult): void {
  const { files, alerts, requests, second, unconfirmed, mostForOne } = figures;
  console.log(
    `   ${files} files, ${alerts} alerts, ${requests} requests, ${second} accepted beyond the first, ${unconfirmed} unconfirmed, ` +
      `at most ${mostForOne} for one; ended ${(settledMs / 1_000).toFixed(1)} s after the faults; ${seconds.toFixed(0)} s in all`,
  );
  if (findings.length === 0) return;
  console.log(`   ${findings.length} BROKEN PROMISES; all is in ${folder}; again: ${repeatLine(plan)}`);
  for (const { promise, what } of findings.slice(0, MOST_SHOWN)) console.log(`   - ${promise}: ${what.slice(0, 600)}`);
  if (findings.length > MOST_SHOWN) console.log(`   - … and ${findings.length - MOST_SHOWN} more in findings.json`);
}
