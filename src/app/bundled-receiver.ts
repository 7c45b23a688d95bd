/**
 * The receiver that `wds up` brings where no endpoint is configured, and `<home>/receiver.json`, by which the other commands of that home
 * deliver to it too. The record is believed only while a receiver answers at its address.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import type { Settings } from '../config/settings.ts';
import { defaultEndpoint, withEndpoint } from '../config/settings.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import type { RunningReceiver } from '../receiver/receiver.ts';

/** A name of its own: the receiver's port may change from start to start, the delivery of the example may not. */
const ENDPOINT_NAME = 'bundled-receiver';
export const BUNDLED_RATE = 100;
const PREFERRED_PORT = 8484;
const ANSWER_LIMIT_MS = 1_000;

export interface BundledReceiver {
  readonly endpoint: Endpoint;
  close(): Promise<void>;
}

interface ReceiverRecord {
  readonly name: string;
  readonly url: string;
  readonly rate: number;
}

const recordPath = (home: string): string => join(home, 'receiver.json');

const endpointOf = ({ name, url, rate }: ReceiverRecord): Endpoint => defaultEndpoint(url, { name, rate });

export async function startBundledReceiver(home: string): Promise<BundledReceiver> {
  const receiver = await listen();
  const record: ReceiverRecord = { name: ENDPOINT_NAME, url: receiver.url, rate: BUNDLED_RATE };
  await mkdir(home, { recursive: true });
  const temporary = `${recordPath(home)}.${randomUUID()}`;
  await writeFile(temporary, `${JSON.stringify(record, null, 2)}\n`);
  await rename(temporary, recordPath(home));
  return {
    endpoint: endpointOf(record),
    async close() {
      if ((await readRecord(home))?.url === receiver.url) await rm(recordPath(home), { force: true });
      await receiver.close();
    },
  };
}

async function listen(): Promise<RunningReceiver> {
  const { startReceiver } = await import('../receiver/receiver.ts');
  try {
    return await startReceiver({ rate: BUNDLED_RATE, port: PREFERRED_PORT });
  } catch {
    // The port is taken: any other will do.
    return startReceiver({ rate: BUNDLED_RATE, port: 0 });
  }
}

/** The settings; where they name no endpoint, with the receiver of a `wds up` that runs in this home, if there is one. */
export async function withBundledReceiver(settings: Settings): Promise<Settings> {
  if (settings.endpoints.length > 0) return settings;
  const record = await readRecord(settings.home);
  if (record === undefined || !(await answers(record.url))) return settings;
  return withEndpoint(settings, endpointOf(record));
}

async function readRecord(home: string): Promise<ReceiverRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(recordPath(home), 'utf8')) as Partial<ReceiverRecord> | null;
    const { name, url, rate } = record ?? {};
    return name === ENDPOINT_NAME && typeof url === 'string' && URL.canParse(url) && typeof rate === 'number'
      ? { name, url, rate }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Another program may have the port by now: only a receiver of wds has these figures. */
async function answers(url: string): Promise<boolean> {
  try {
    // Not `fetch`, which costs a short command 60 ms before it sends anything.
    const request = get(new URL('/stats', url), { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return response.statusCode === 200 && 'accepted' in ((await json(response)) as object);
  } catch {
    return false;
  }
}
