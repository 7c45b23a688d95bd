/**
 * Once a message: how long does a file of a million rows look for them in a hundred million earlier ones, with how much memory, and how large is
 * the index? Half of the rows are those of an earlier file that was read and delivered, in another order; the other earlier rows are made up, and
 * come into the index by the way of real ones. Needs 5 GB in the temporary folder, and some minutes.
 *
 *     node dist/bench/once.js [ROWS=1000000] [EARLIER=100000000]
 */
import { spawnSync } from 'node:child_process';
import { randomBytes, randomFillSync } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createLookBack } from '../activities/look-back.ts';
import { createReadChunks } from '../activities/read-chunks.ts';
import { systemClock } from '../src/clock.ts';
import { DEFAULT_PARSE_OPTIONS, parseKey } from '../src/domain/parse-options.ts';
import { FolderLedgers } from '../src/store/folder-ledger.ts';
import { FolderStore } from '../src/store/folder-store.ts';
import { mergeIndex } from '../src/store/once/merge-index.ts';
import { OnceIndex } from '../src/store/once/once-index.ts';
import { ENTRY_WORDS } from '../src/store/once/row-pieces.ts';
import { chunksOf } from '../src/store/origins.ts';
import { deliver, readFile } from './delivered-files.ts';

const ENDPOINT = 'bench';
const PARSE = { ...DEFAULT_PARSE_OPTIONS, format: 'csv', chunkSize: 5_000 } as const;
const OF = { endpoint: ENDPOINT, parse: PARSE };
const ROWS_OF_A_FILE = 1_000_000;
const DAY_MS = 24 * 3_600_000;

const script = fileURLToPath(import.meta.url);
const [first = '1000000', second = '100000000', sha256 = ''] = process.argv.slice(2);
if (first === 'look') await look(second, sha256);
else await build(Number(first), Number(second));

async function build(rows: number, earlier: number): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'wds-once-'));
  try {
    const store = new FolderStore(root);
    const ledgers = new FolderLedgers({ store, clock: systemClock, boot: 'bench' });
    const index = new OnceIndex(store, ENDPOINT, systemClock);
    await index.begin();
    await index.complete();
    const delivered = await readFile(store, OF, Readable.from(content(0, rows / 2, 7)));
    await deliver(store, ledgers, delivered);
    await index.register({ ...delivered, windows: Number.POSITIVE_INFINITY });
    const startMs = performance.now();
    for (let made = rows / 2; made < earlier; made += ROWS_OF_A_FILE) {
      const file = { sha256: randomBytes(32).toString('hex'), endpoint: ENDPOINT, parseKey: 'made-up' };
      await index.registerRows(file, madeUpRows(Math.min(ROWS_OF_A_FILE, earlier - made)));
      await mergeIndex(index, { ledgers, sinceMs: 0 });
    }
    const bytes = await sizeOf(join(root, 'once'));
    const { runs, files } = await index.view();
    console.log(
      `${earlier.toLocaleString('en')} rows in ${runs.length} runs and ${files.length} files: ${(bytes / earlier).toFixed(2)} bytes a row; built in ${seconds(startMs)} s`,
    );
    const fresh = await readFile(store, OF, Readable.from(mixed(rows)));
    const { stdout, stderr } = spawnSync(process.execPath, [script, 'look', root, fresh.sha256], { encoding: 'utf8' });
    console.log(`${stdout}${stderr}`.trim());
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** In a process of its own, whose memory is measured. */
async function look(root: string, sha256: string): Promise<void> {
  const store = new FolderStore(root);
  const ledgers = new FolderLedgers({ store, clock: systemClock, boot: 'bench' });
  const { readChunks } = createReadChunks({ store, heartbeat: () => undefined, cancellation: () => undefined });
  const parts = { store, ledgers, clock: systemClock, requestTimeoutMs: 15_000, readChunks };
  const scope = () => ({ attempt: 1, heartbeat: () => undefined });
  const lookBack = createLookBack({ ...parts, scope, isRunning: async () => false });
  const of = { sha256, endpoint: ENDPOINT, parseKey: parseKey(PARSE), windows: Number.POSITIVE_INFINITY };
  const startMs = performance.now();
  await new OnceIndex(store, ENDPOINT, systemClock).register(of);
  console.log(`registered in ${seconds(startMs)} s, peak ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`);
  await lookBack({ ...of, round: 1, once: { withinMs: 30 * DAY_MS }, waiting: false });
  const looked = seconds(startMs);
  const { user, system } = process.cpuUsage();
  let duplicates = 0;
  for await (const chunk of chunksOf(store, of)) {
    for (const { duplicateOf } of (await ledgers.read(chunk)).values()) if (duplicateOf !== '') duplicates++;
  }
  const peakMiB = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(
    `registered and looked up in ${looked} s (${((user + system) / 1e6).toFixed(1)} s of processor time), ${duplicates.toLocaleString('en')} duplicates; peak ${peakMiB} MiB`,
  );
}

function seconds(startMs: number): string {
  return ((performance.now() - startMs) / 1_000).toFixed(1);
}

/** Users `from` … `to`, in steps: another order than that of their numbers. */
function* content(from: number, to: number, step: number, header = true): Generator<string> {
  let block = header ? 'userId,alertMessage\n' : '';
  for (let offset = 0; offset < step; offset++) {
    for (let user = from + offset; user < to; user += step) {
      block += `user-${user},Your order ${user} has left our warehouse\n`;
      if (block.length < 256 * 1024) continue;
      yield block;
      block = '';
    }
  }
  yield block;
}

/** Half of the users are those of the file that was delivered. */
function* mixed(rows: number): Generator<string> {
  yield* content(0, rows / 2, 11);
  yield* content(rows / 2, rows, 3, false);
}

/** Hashes that are spread as those of bodies are, and sorted already. */
async function* madeUpRows(rows: number) {
  const words = new Uint32Array(rows * ENTRY_WORDS);
  randomFillSync(words);
  for (let row = 0; row < rows; row++) {
    words[row * ENTRY_WORDS] = Math.floor(((row + Math.random()) / rows) * 2 ** 32);
    words[row * ENTRY_WORDS + 2] = 0;
    words[row * ENTRY_WORDS + 3] = row + 2;
  }
  yield { rows, words };
}

async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return bytes;
}
