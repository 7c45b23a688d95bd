/**
 * How well the rate is found and held, measured with real processes (docs/governor-measured.md): a table line for each scenario.
 *
 *     node dist/bench/rates.js [SCENARIO …]      without any: their names; a name's beginning stands for all that begin so
 *
 * WDS_RATES_KEEP keeps the temporary homes, with all logs; WDS_RATES_TRACE writes what the governor says of itself there, every second.
 */
import { loadavg } from 'node:os';
import { KIND_SCENARIOS } from './rates-kinds.ts';
import { SCENARIOS as OTHERS } from './rates-scenarios.ts';
import { SPREAD_SCENARIOS } from './rates-spread.ts';

const SCENARIOS = [...OTHERS, ...KIND_SCENARIOS, ...SPREAD_SCENARIOS];

const wanted = process.argv.slice(2);
if (wanted.length === 0) {
  for (const { name } of SCENARIOS) console.log(name);
} else {
  console.log('| scenario | used | 429 | worst second | first second | each second, or more | load before |');
  console.log('|---|---|---|---|---|---|---|');
  for (const { name, run } of SCENARIOS.filter((one) => wanted.some((begin) => one.name.startsWith(begin)))) {
    const load = loadavg()[0]!.toFixed(1);
    try {
      console.log(`| ${[name, ...(await run()), load].join(' | ')} |`);
    } catch (error) {
      console.log(`| ${name} | failed: ${(error as Error).stack} | | | | | ${load} |`);
    }
  }
}
process.exit();
