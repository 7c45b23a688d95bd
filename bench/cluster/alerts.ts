/** Files of alerts, each with users of its own. */
import { renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Cluster, DeliveringHost } from './cluster.ts';

export interface AlertsFile {
  readonly file: string;
  readonly users: readonly string[];
}

export function writeAlerts(folder: string, name: string, alerts: number): AlertsFile {
  const users = Array.from({ length: alerts }, (_, at) => `${name}-${at}`);
  const file = join(folder, `${name}.csv`);
  writeFileSync(file, `userId,alertMessage\n${users.map((user) => `${user},Alert for ${user}\n`).join('')}`);
  return { file, users };
}

/** Into the inbox that the host shares, whole at once. */
export function dropAlerts(cluster: Cluster, host: DeliveringHost, name: string, alerts: number): AlertsFile {
  const written = writeAlerts(cluster.folder, name, alerts);
  renameSync(written.file, join(host.share, 'inbox', basename(written.file)));
  return written;
}
