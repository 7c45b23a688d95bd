/**
 * The Temporal CLI by way of the SDK, which downloads the official release that fits it. The SDK offers this only as part of
 * starting a test server, so a child process starts one and stops it; what stays is the file. A child, because the SDK's native
 * runtime can be set up once per process, and the worker wants that for itself.
 */
import { execFile } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** About 60 MB. Beyond this a build from source is the faster way. */
const LIMIT_MS = 120_000;
const DAYS_KEPT = 3650;

const START_AND_STOP = `
  const [library, downloadDir, ttl] = process.argv.slice(1);
  const { TestWorkflowEnvironment } = require(library);
  TestWorkflowEnvironment.createLocal({ server: { executable: { type: 'cached-download', downloadDir, ttl } } })
    .then((environment) => environment.teardown())
    .catch((error) => { process.stderr.write(String(error.message)); process.exitCode = 1; });
`;

export interface DownloadOptions {
  /** Where the file is kept. The SDK looks there first and downloads only what is missing. */
  readonly folder: string;
  readonly say: (text: string) => void;
  readonly limitMs?: number;
}

/** Resolves to the path of the downloaded file; throws with the reason, within seconds when there is no network. */
export async function downloadTemporalCli({ folder, say, limitMs = LIMIT_MS }: DownloadOptions): Promise<string> {
  await mkdir(folder, { recursive: true });
  say('looking for the Temporal CLI (download of about 60 MB, once) …');
  const library = createRequire(import.meta.url).resolve('@temporalio/testing');
  try {
    await promisify(execFile)(process.execPath, ['-e', START_AND_STOP, library, folder, `${DAYS_KEPT}d`], {
      timeout: limitMs,
      killSignal: 'SIGKILL',
    });
  } catch (error) {
    const { killed, stderr } = error as { killed?: boolean; stderr?: string };
    const reason = killed ? `not done after ${limitMs / 1000} s` : firstReason(stderr ?? '');
    throw new Error(`failed (${reason})`);
  }
  const file = (await readdir(folder)).find(
    (name) => name.startsWith('temporal-sdk-') && !name.includes('.downloading'),
  );
  if (file === undefined) throw new Error(`the SDK left no file in ${folder}`);
  return join(folder, file);
}

/** The SDK's message names the address twice and more; the first clause says it all. */
function firstReason(message: string): string {
  const [, url] = /for url \((https?:\/\/[^?)]+)/.exec(message) ?? [];
  return url ? `cannot reach ${url}` : message.split('\n')[0]?.slice(0, 200) || 'no reason given';
}
