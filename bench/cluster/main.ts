/**
 * wds on a cluster: Temporal's server on PostgreSQL, and hosts that are network namespaces of this machine. Prints what was seen.
 *
 *     node dist/bench/cluster/main.js [SCENARIO …]      without any: their names; a name's beginning stands for all that begin so
 *
 * Linux, as root, with PostgreSQL 13 or newer and, for the first time, Go: Temporal's server is built and kept in ~/.cache/wds.
 * WDS_CLUSTER_KEEP keeps the folder of each scenario, with all logs.
 */
import { loadavg } from 'node:os';
import { FAULT_SCENARIOS } from './faults.ts';
import { apart, isApart } from './hosts.ts';
import { SPREAD_SCENARIOS } from './spread.ts';
import { buildTemporal } from './temporal.ts';
import { UPGRADE_SCENARIOS } from './upgrade.ts';

const SCENARIOS = [...SPREAD_SCENARIOS, ...FAULT_SCENARIOS, ...UPGRADE_SCENARIOS];

const wanted = process.argv.slice(2);
if (wanted.length === 0) {
  for (const { name } of SCENARIOS) console.log(name);
} else {
  if (!isApart()) buildTemporal();
  apart();
  if (isApart()) await runAll();
}

async function runAll(): Promise<void> {
  for (const { name, run } of SCENARIOS.filter((one) => wanted.some((begin) => one.name.startsWith(begin)))) {
    console.log(`${name} (load before: ${loadavg()[0]!.toFixed(1)})`);
    try {
      for (const line of await run()) console.log(`  ${line.trimEnd().replaceAll('\n', '\n    ')}`);
    } catch (error) {
      console.log(`  failed: ${(error as Error).stack}`);
      process.exitCode = 1;
    }
  }
  process.exit();
}
