/**
 * How fast a CSV is read: parsed, checked, deduplicated and stored as chunks, against csv-parse alone with positions in the same run.
 * `node dist/bench/reading.js [rows]`: rows a second, alternated, medians of five; then the peak memory of a reading in a process of its own.
 */
import { spawnSync } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parse as csvParse } from 'csv-parse';
import { createReadChunks } from '../activities/read-chunks.ts';
import type { ReadCursor, WindowResult } from '../src/domain/contracts.ts';
import type { ParseOptions } from '../src/domain/parse-options.ts';
import { DEFAULT_PARSE_OPTIONS } from '../src/domain/parse-options.ts';
import { FolderStore } from '../src/store/folder-store.ts';
import { contentKey } from '../src/store/layout.ts';

const ROUNDS = 5;
const WINDOW_ROWS = 500_000;
const SHA = 'ab'.repeat(32);
const PARSE: ParseOptions = { ...DEFAULT_PARSE_OPTIONS, format: 'csv' };
/** The options of docs/decisions that were verified together. */
const CSV_PARSE_OPTIONS = {
  bom: true,
  info: true,
  relax_quotes: false,
  skip_empty_lines: true,
  skip_records_with_error: true,
  max_record_size: 65_536,
};

/** Every fourth row is quoted, with a comma within. */
function* content(rows: number): Generator<string> {
  let block = 'userId,alertMessage\n';
  for (let row = 1; row <= rows; row++) {
    const user = `user-${String(row).padStart(7, '0')}`;
    const message = row % 4 === 0 ? `"Your order ${row}, placed today, has shipped"` : `Your order ${row} has shipped`;
    block += `${user},${message}\n`;
    if (block.length > 256 * 1024 || row === rows) {
      yield block;
      block = '';
    }
  }
}

async function csvParseAlone(root: string): Promise<number> {
  let records = 0;
  let lastPosition = 0;
  const parser = csvParse(CSV_PARSE_OPTIONS);
  parser.on('data', ({ info }: { info: { bytes: number } }) => {
    records++;
    lastPosition = info.bytes;
  });
  await pipeline(createReadStream(join(root, contentKey(SHA)), { highWaterMark: 256 * 1024 }), parser);
  return lastPosition > 0 ? records - 1 : 0;
}

async function fullReading(root: string): Promise<number> {
  const store = new FolderStore(root);
  for (const name of await store.list(SHA)) if (name.startsWith('chunks-')) await store.delete(`${SHA}/${name}`);
  const { readChunks } = createReadChunks({ store, heartbeat: () => undefined, cancellation: () => undefined });
  let cursor: ReadCursor | null = null;
  let alerts = 0;
  let window = 1;
  do {
    const result: WindowResult = await readChunks({
      sha256: SHA,
      parse: PARSE,
      window,
      cursor,
      windowRows: WINDOW_ROWS,
    });
    alerts += result.alerts;
    cursor = result.next;
    window++;
  } while (cursor !== null);
  return alerts;
}

async function rowsPerSecond(rows: number, run: () => Promise<number>): Promise<number> {
  const startedAt = performance.now();
  const found = await run();
  const seconds = (performance.now() - startedAt) / 1000;
  if (found !== rows) throw new Error(`${found} of ${rows} rows were read`);
  return rows / seconds;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const shown = (value: number): string => Math.round(value).toLocaleString('en');

async function main(rows: number): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'wds-bench-reading-'));
  try {
    await mkdir(join(root, SHA));
    await pipeline(Readable.from(content(rows)), createWriteStream(join(root, contentKey(SHA))));
    const alone: number[] = [];
    const full: number[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      alone.push(await rowsPerSecond(rows, () => csvParseAlone(root)));
      full.push(await rowsPerSecond(rows, () => fullReading(root)));
      console.error(`round ${round}: csv-parse ${shown(alone.at(-1)!)} rows/s, reading ${shown(full.at(-1)!)} rows/s`);
    }
    const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), '--memory', root], { encoding: 'utf8' });
    if (child.status !== 0) throw new Error(child.stderr);
    console.log(
      `rows                                 ${shown(rows)} (${availableParallelism()} cores, Node ${process.versions.node})`,
    );
    console.log(`csv-parse alone, with positions      ${shown(median(alone))} rows/s`);
    console.log(`reading: parse, check, dedupe, store ${shown(median(full))} rows/s`);
    console.log(`ratio                                ${(median(full) / median(alone)).toFixed(2)}`);
    console.log(`peak memory of a reading             ${child.stdout.trim()} MB`);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

const [, , first = '1000000', root] = process.argv;
if (first === '--memory' && root !== undefined) {
  await fullReading(root);
  console.log(Math.round(process.resourceUsage().maxRSS / 1024));
} else {
  await main(Number(first));
}
