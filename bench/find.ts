/**
 * How long `wds find` takes, as a command of its own from its start to its end: over ten million receipts in twenty files, over ten thousand files of a
 * hundred alerts, with the chunks and without them. The files are read and delivered by the code that reads and sends. Needs 3 GB in the temporary folder,
 * and some minutes. Prints medians of seven.
 *
 *     node dist/bench/find.js [RECEIPTS=10000000] [FILES=10000]
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { FoundUser } from '../src/app/find-user.ts';
import { systemClock } from '../src/clock.ts';
import { DEFAULT_PARSE_OPTIONS } from '../src/domain/parse-options.ts';
import { FolderLedgers } from '../src/store/folder-ledger.ts';
import { FolderStore } from '../src/store/folder-store.ts';
import { deliver, readFile } from './delivered-files.ts';

const PROGRAM = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const PARSE = { ...DEFAULT_PARSE_OPTIONS, format: 'csv', chunkSize: 1_000 } as const;
const OF = { endpoint: 'bench', parse: PARSE };
const ROUNDS = 7;
const AT_ONCE = 16;
const LARGE_FILES = 20;
const SMALL_ROWS = 100;

const shown = (value: number): string => Math.round(value).toLocaleString('en');

async function measure(count: number, rows: number, atOnce: number): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'wds-find-'));
  try {
    const folder = join(home, 'store');
    const store = new FolderStore(folder);
    const ledgers = new FolderLedgers({ store, clock: systemClock, boot: 'bench' });
    const startMs = performance.now();
    for (let from = 0; from < count; from += atOnce) {
      const some = Array.from({ length: Math.min(atOnce, count - from) }, async (_, index) =>
        deliver(store, ledgers, await readFile(store, OF, Readable.from(content(from + index, rows)))),
      );
      await Promise.all(some);
    }
    const users = await sizeOf(join(folder, 'users'));
    console.log(
      `${shown(count)} files of ${shown(rows)} alerts, made in ${((performance.now() - startMs) / 1_000).toFixed(0)} s; users: ${(users / (count * rows)).toFixed(1)} bytes an alert`,
    );
    const last = `user-${count - 1}-${rows}`;
    report('in one file', home, last, 1);
    report('in twenty files', home, 'everywhere', LARGE_FILES);
    report('in no file', home, 'nobody', 0);
    for (const sha256 of await store.list('')) {
      for (const name of await store.list(sha256)) {
        if (name.startsWith('chunks-')) await rm(join(folder, sha256, name), { recursive: true });
      }
    }
    report('in one file, chunks deleted', home, last, 1);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** Twenty of the files hold a user of the same name. */
function* content(file: number, rows: number): Generator<string> {
  let block = 'userId,alertMessage\n';
  for (let row = 1; row <= rows; row++) {
    block += `${row === 1 && file < LARGE_FILES ? 'everywhere' : `user-${file}-${row}`},Your order ${row} has left our warehouse\n`;
    if (block.length < 256 * 1024 && row < rows) continue;
    yield block;
    block = '';
  }
}

function report(what: string, home: string, userId: string, alerts: number): void {
  const times = Array.from({ length: ROUNDS }, () => {
    const startMs = performance.now();
    const { stdout, stderr } = spawnSync(process.execPath, [PROGRAM, 'find', userId, '--home', home, '-o', 'json'], {
      encoding: 'utf8',
    });
    const tookMs = performance.now() - startMs;
    const found = JSON.parse(stdout || '{}') as Partial<FoundUser>;
    const delivered = found.alerts?.filter(({ outcome }) => outcome === 'delivered').length;
    if (delivered !== alerts) throw new Error(`${delivered} of ${alerts} found: ${stderr}`);
    return tookMs;
  }).sort((a, b) => a - b);
  console.log(`  ${what}: ${shown(times[ROUNDS >> 1]!)} ms (${shown(times[0]!)} to ${shown(times.at(-1)!)})`);
}

async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder)) bytes += (await stat(join(folder, name))).size;
  return bytes;
}

const [receipts = '10000000', files = '10000'] = process.argv.slice(2);
await measure(LARGE_FILES, Number(receipts) / LARGE_FILES, 1);
await measure(Number(files), SMALL_ROWS, AT_ONCE);
