/**
 * Versions of wds in the middle of a file, as docs/upgrades.md describes them: 1, then 2, whose workflows take another course, then 1 again.
 * Between the first two nobody is there for the version that the file is pinned to, until it is said.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { until } from '../rates-system.ts';
import { accountAtEnd, accountText, arrived } from './account.ts';
import { dropAlerts } from './alerts.ts';
import type { DeliveringHost, WdsProcess } from './cluster.ts';
import { Cluster, ROOT, warningsOf } from './cluster.ts';
import { end } from './hosts.ts';
import type { Scenario } from './scenario.ts';

const DEPLOYMENT = 'wds';
const RATE = 300;
const ALERTS = 24_000;

interface Stage {
  readonly cluster: Cluster;
  /** Files workers run there. */
  readonly host: DeliveringHost;
  readonly client: Client;
}

/** A files worker of that version; `isVersioned`: under its name. */
async function startVersion({ cluster, host }: Stage, version: 1 | 2, isVersioned: boolean): Promise<WdsProcess> {
  const env = { TEMPORAL_DEPLOYMENT_NAME: DEPLOYMENT, TEMPORAL_WORKER_BUILD_ID: String(version) };
  const build = version === 1 ? ROOT : otherBuild(cluster);
  return await host.serve(['worker', '--role', 'files'], isVersioned ? env : {}, build);
}

/** This build, but for a timer at the beginning of each file: no history without it can be replayed. */
function otherBuild({ folder }: Cluster): string {
  const build = join(folder, 'version-2');
  if (existsSync(build)) return build;
  mkdirSync(build);
  for (const name of ['bin', 'dist', 'scripts', 'package.json'])
    cpSync(join(ROOT, name), join(build, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(build, 'node_modules'));
  for (const name of ['workflow-bundle.js', 'workflow-bundle-versioned.js']) {
    const path = join(build, 'dist', name);
    const code = readFileSync(path, 'utf8');
    const [, library] = /\(0,(\w+)\.defineQuery\)/.exec(code) ?? [];
    const changed = code.replace(
      'async function fileWorkflow(submitted) {',
      (head) => `${head} await (0,${library}.sleep)(500);`,
    );
    if (library === undefined || changed === code)
      throw new Error(`${name}: the beginning of the workflow was not found`);
    writeFileSync(path, changed);
  }
  return build;
}

async function makeCurrent({ client }: Stage, version: 1 | 2): Promise<void> {
  const request = { namespace: 'default', deploymentName: DEPLOYMENT, buildId: String(version) };
  const isDone = (): Promise<boolean> =>
    client.workflowService.setWorkerDeploymentCurrentVersion(request).then(
      () => true,
      () => false,
    );
  await until(isDone, `version ${version} is current`);
}

/** The versions of a file's runs, in their order. */
async function versionsOfRuns({ client }: Stage): Promise<string[]> {
  const runs: { readonly startMs: number; readonly version: string }[] = [];
  for await (const { workflowId, runId, startTime } of client.workflow.list({ query: 'WorkflowType="fileWorkflow"' })) {
    const { raw } = await client.workflow.getHandle(workflowId, runId).describe();
    const { deploymentVersion } = raw.workflowExecutionInfo?.versioningInfo ?? {};
    runs.push({ startMs: startTime.getTime(), version: deploymentVersion?.buildId ?? 'none' });
  }
  return runs.sort((a, b) => a.startMs - b.startMs).map(({ version }) => version);
}

const upgrade = (name: string, course: (stage: Stage) => Promise<readonly string[]>): Scenario => ({
  name: `upgrade-${name}`,
  run: async () => {
    const cluster = await Cluster.start({ receiver: ['--latency', '20ms'], endpoint: { rate: RATE } });
    try {
      const [host, sender] = [await cluster.boot(1), await cluster.boot(2)];
      await host.run('init', '--force');
      await sender.serve(['worker', '--role', 'alerts']);
      await sender.serve(['watch']);
      const stage = { cluster, host, client: await cluster.temporal.client() };
      const dropped = dropAlerts(cluster, host, name, ALERTS);
      const seen = await course(stage);
      return [accountText(await accountAtEnd(cluster, host, dropped)), ...seen];
    } finally {
      await cluster.close();
    }
  },
});

export const UPGRADE_SCENARIOS: readonly Scenario[] = [
  upgrade('versions', async (stage) => {
    const { cluster, host } = stage;
    const first = await startVersion(stage, 1, true);
    await makeCurrent(stage, 1);
    await arrived(cluster, 4_000);
    // Against the book: nobody is there any more for the version of the file.
    await end(first);
    const waits = await saidOf(host, /waiting .*no worker/);
    const second = await startVersion(stage, 2, true);
    await makeCurrent(stage, 2);
    const waitsStill = await saidOf(host, /waiting .*no worker of version/);
    const again = await startVersion(stage, 1, true);
    await arrived(cluster, 12_000);
    await end(again);
    await arrived(cluster, 16_000);
    await startVersion(stage, 1, true);
    await makeCurrent(stage, 1);
    await arrived(cluster, 20_000);
    const runs = await versionsOfRuns(stage);
    await end(second);
    return [
      `nobody there: ${waits}`,
      `version 2 current, nobody there for 1: ${waitsStill}`,
      `versions of its runs: ${runs.join(', ')}`,
    ];
  }),
  upgrade('without-versions', async (stage) => {
    const { cluster, host } = stage;
    const first = await startVersion(stage, 1, false);
    await arrived(cluster, 4_000);
    await end(first);
    const second = await startVersion(stage, 2, false);
    await until(
      () => warningsOf(second).includes('workflow_not_replayable'),
      'version 2 says that it cannot go on',
      180_000,
    );
    const waits = await saidOf(host, /no worker can go on/);
    await end(second);
    await startVersion(stage, 1, false);
    return [`version 2: ${warningsOf(second)}`, `wds status: ${waits}`];
  }),
];

/** The lines of `wds status` that say so, once there are any. */
async function saidOf(host: DeliveringHost, words: RegExp): Promise<string> {
  let lines: string[] = [];
  const isSaid = async (): Promise<boolean> => {
    const { stdout } = await host.run('status');
    lines = stdout.split('\n').filter((line) => words.test(line));
    return lines.length > 0;
  };
  await until(isSaid, `wds status says ${words}`);
  return lines.map((line) => line.trim()).join(' / ');
}
