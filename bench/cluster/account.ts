/** How a file goes on and ends: what the receiver saw of it, held against what wds reports. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { readDeliveryLog } from '../../src/receiver/delivery-log.ts';
import { readTraffic } from '../rates-figures.ts';
import { until } from '../rates-system.ts';
import type { AlertsFile } from './alerts.ts';
import type { Cluster, DeliveringHost } from './cluster.ts';

const END_LIMIT_MS = 300_000;

export interface Account {
  readonly state: string;
  readonly alerts: number;
  readonly delivered: number;
  readonly unconfirmed: number;
  /** Not accepted by the receiver, and called delivered, or in no receipt. */
  readonly missed: number;
  /** Accepted by the receiver more than once. */
  readonly twice: number;
  /** Accepted, and called rejected, undelivered or suppressed. */
  readonly denied: number;
}

/** Requests of whatever kind, of all files. */
export async function arrived(cluster: Cluster, requests: number): Promise<void> {
  const isSo = async (): Promise<boolean> => (await requestsSoFar(cluster)) >= requests;
  await until(isSo, `${requests} requests have arrived`, END_LIMIT_MS);
}

export const requestsSoFar = async (cluster: Cluster): Promise<number> =>
  existsSync(cluster.receiverLog) ? (await readTraffic(cluster.receiverLog)).atMs.length : 0;

/** Waits until a file has ended by itself; asked on `host`. */
export async function accountAtEnd(
  cluster: Cluster,
  host: DeliveringHost,
  { file, users }: AlertsFile,
): Promise<Account> {
  const name = basename(file);
  const hasEnded = async (): Promise<boolean> => {
    // Nothing is listed while Temporal is away.
    const { stdout } = await host.run('status', '-o', 'jsonl');
    const line = stdout.split('\n').find((one) => one.startsWith('{') && one.includes(JSON.stringify(name)));
    return line !== undefined && !['running', 'paused'].includes((JSON.parse(line) as { state: string }).state);
  };
  await until(hasEnded, `${name} has ended`, END_LIMIT_MS);
  return await accountFor(host, name, users, cluster.receiverLog);
}

/** `users`: of the whole file, each in no other file. */
async function accountFor(
  host: DeliveringHost,
  file: string,
  users: readonly string[],
  receiverLog: string,
): Promise<Account> {
  const accepted = new Map<string, number>();
  for await (const { userId, status } of readDeliveryLog(receiverLog)) {
    if (status === 200 && userId !== null) accepted.set(userId, (accepted.get(userId) ?? 0) + 1);
  }
  const { stdout, stderr } = await host.run('report', file, '-o', 'json');
  if (stdout.trim() === '') throw new Error(`no report: ${stderr}`);
  const { state, reportDir } = JSON.parse(stdout) as { readonly state: string; readonly reportDir: string };
  const receipts = readFileSync(join(reportDir.replace(host.place, host.share), 'receipts.csv'));
  const rows: Record<string, string>[] = parse(receipts, { columns: true });
  const outcomes = new Map(rows.map(({ userId = '', outcome = '' }) => [userId, outcome]));
  const count = (which: (accepted: number, outcome: string | undefined) => boolean): number =>
    users.filter((user) => which(accepted.get(user) ?? 0, outcomes.get(user))).length;
  return {
    ...{ state, alerts: users.length },
    delivered: count((_, outcome) => outcome === 'delivered'),
    unconfirmed: count((_, outcome) => outcome === 'unconfirmed'),
    missed: count((times, outcome) => times === 0 && (outcome === undefined || outcome === 'delivered')),
    twice: count((times) => times > 1),
    denied: count((times, outcome) => times > 0 && outcome !== 'delivered' && outcome !== 'unconfirmed'),
  };
}

export const accountText = (one: Account): string =>
  `${one.alerts} alerts: ${one.delivered} delivered, ${one.unconfirmed} unconfirmed; missed ${one.missed}, twice ${one.twice}, denied ${one.denied}; ${one.state}`;
