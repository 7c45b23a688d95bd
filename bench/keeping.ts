/**
 * What it costs to keep a home in order: `wds verify`, `wds forget`, `wds prune`, and `wds find` before and after, over large files and over many small
 * ones, all delivered. Without Temporal, which is asked once a file. Prints seconds by the clock and of processor time, and the most memory.
 *
 *     node dist/bench/keeping.js [RECEIPTS=2000000] [FILES=2000]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { findUser } from '../src/app/find-user.ts';
import { forget, planForget } from '../src/app/keeping/forget.ts';
import type { House } from '../src/app/keeping/house.ts';
import { prune } from '../src/app/keeping/prune.ts';
import { verify } from '../src/app/keeping/verify/verify.ts';
import { systemClock } from '../src/clock.ts';
import { DEFAULT_PARSE_OPTIONS } from '../src/domain/parse-options.ts';
import { bytesText } from '../src/domain/progress/bytes-text.ts';
import { FolderLedgers } from '../src/store/folder-ledger.ts';
import { FolderParts } from '../src/store/folder-parts.ts';
import { FolderStore } from '../src/store/folder-store.ts';
import { FolderReports } from '../src/store/report-files.ts';
import { FolderUsers } from '../src/store/scan-users.ts';
import { deliver, readFile } from './delivered-files.ts';

const PARSE = { ...DEFAULT_PARSE_OPTIONS, format: 'csv', chunkSize: 1_000 } as const;
const OF = { endpoint: 'bench', parse: PARSE };
const LARGE_FILES = 4;
const SMALL_ROWS = 100;

function* content(file: number, rows: number): Generator<string> {
  yield 'userId,alertMessage\n';
  for (let row = 1; row <= rows; row++) yield `user-${file}-${row},Your order ${row} has left our warehouse\n`;
}

async function timed<Result>(
  what: string,
  work: () => Promise<Result>,
  about: (result: Result) => string,
): Promise<void> {
  const startedMs = performance.now();
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  const mib = Math.round(process.resourceUsage().maxRSS / 1_024);
  console.log(
    `  ${what}: ${seconds} s, ${((user + system) / 1e6).toFixed(1)} of processor time, ${mib} MiB: ${about(result)}`,
  );
}

async function measure(files: number, rows: number): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'wds-keeping-'));
  try {
    const folder = join(home, 'store');
    const store = new FolderStore(folder);
    const ledgers = new FolderLedgers({ store, clock: systemClock, boot: 'bench' });
    const reports = new FolderReports(join(home, 'reports'));
    const parts = new FolderParts({ store, folder, reports: reports.place });
    const house: House = {
      ...{ store, ledgers, users: new FolderUsers(folder), reports, parts, inboxes: [] },
      runOf: async () => 'completed',
      async *underWay() {},
    };
    for (let file = 0; file < files; file++) {
      await deliver(store, ledgers, await readFile(store, OF, Readable.from(content(file, rows))));
    }
    console.log(`${files} files of ${rows} alerts`);
    const userId = `user-${files - 1}-${rows >> 1}`;
    const find = (user: string) =>
      findUser({ at: { home, store: undefined }, userId: user, limit: 9, say: () => undefined });
    const found = ({ alerts }: Awaited<ReturnType<typeof find>>): string => `${alerts.length} found`;
    const signal = new AbortController().signal;
    const looked = ({ sound, bytes, receipts }: Awaited<ReturnType<typeof verify>>): string =>
      `${sound ? 'sound' : 'NOT SOUND'}, ${bytesText(bytes)}, ${receipts} receipts`;
    const check = () => verify(house, { signal, onProgress: () => undefined });
    await timed('find', () => find(userId), found);
    await timed('verify', check, looked);
    const erase = async (): Promise<number> => {
      const plan = await planForget(house, userId);
      await forget(house, plan, { userId, nowMs: Date.now(), reports: { byteOrderMark: false } });
      return plan.files.length;
    };
    await timed('forget', erase, (count) => `from ${count} files`);
    await timed('find', () => find(userId), found);
    const request = { force: false, onceMs: 0, nowMs: Date.now() + 60_000, retainMs: { content: 0, chunks: 0 } };
    const gone = ({ files: of, bytes }: Awaited<ReturnType<typeof prune>>): string =>
      `${of.length} files, ${bytesText(bytes)}`;
    await timed('prune --dry-run', () => prune(house, { ...request, dryRun: true }), gone);
    await timed('prune', () => prune(house, { ...request, dryRun: false }), gone);
    await timed('find', () => find(`user-${files - 1}-1`), found);
    await timed('verify', check, looked);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

const [receipts = '2000000', files = '2000'] = process.argv.slice(2);
await measure(LARGE_FILES, Number(receipts) / LARGE_FILES);
await measure(Number(files), SMALL_ROWS);
