/**
 * Merges what has gathered in an index into runs of doubling size, so that a look reads few objects, and each row is written again few times.
 * Rows that nobody asks for any more are left out. Several may merge at the same time: the first manifest holds, the others throw theirs away.
 */
import { randomUUID } from 'node:crypto';
import type { RowState } from '../../domain/ledger/row-state.ts';
import { ChunksMissing, readChunk } from '../chunks.ts';
import type { Ledgers } from '../ledger.ts';
import { chunksOf } from '../origins.ts';
import * as keys from './keys.ts';
import type { NumberedFile } from './matches.ts';
import type { RowSource } from './merge-rows.ts';
import { mergeRows } from './merge-rows.ts';
import type { OnceIndex, Run, View } from './once-index.ts';
import { ALL_WINDOWS, entryBlocks } from './row-pieces.ts';

/** Objects of files' own rows beyond which they are merged. */
const MERGE_FROM = 16;
/** An older run is merged along where it is at most so many times as large as what comes after it. */
const GROWTH = 2;
/** Beyond that all rows of a file are kept: a set of many would be large. */
const MOST_KEPT_LINES = 100_000;

export interface MergeOptions {
  readonly ledgers: Ledgers;
  /** What was delivered before that is not asked for any more. */
  readonly sinceMs: number;
  readonly mergeFrom?: number;
}

export async function mergeIndex(index: OnceIndex, options: MergeOptions): Promise<void> {
  const { mergeFrom = MERGE_FROM, sinceMs } = options;
  const view = await index.view();
  if (view.files.reduce((objects, { pieces }) => objects + Math.max(1, pieces), 0) < mergeFrom) return;
  const { kept, merged } = chooseRuns(view, sinceMs);
  const ofRuns: NumberedFile[][] = [];
  for (const run of merged) ofRuns.push(await index.filesOf(run));
  const files = [...ofRuns.flat(), ...view.files];
  const run = await writeRun(index, { files, merged, view }, options);
  const runs = run === undefined ? kept : [...kept, run];
  const last = view.files.at(-1)!.number;
  const manifest = { runs, last };
  const won = await index.store.create(
    keys.manifestKey(index.endpoint, view.manifest + 1),
    `${JSON.stringify(manifest)}\n`,
  );
  if (!won) {
    if (run !== undefined) await removeRun(index, run);
    return;
  }
  // Where others were so fast that they have had this number before, and removed it, what was merged here may be theirs.
  if ((await index.view()).manifest === view.manifest + 1) await removeMerged(index, view, merged, last);
}

function chooseRuns({ runs, files }: View, sinceMs: number): { readonly kept: Run[]; readonly merged: Run[] } {
  let rows = files.reduce((sum, file) => sum + file.rows, 0);
  let from = runs.length;
  // One that is out of date is made smaller, or nothing.
  while (from > 0 && (runs[from - 1]!.rows <= GROWTH * rows || runs[from - 1]!.atMs < sinceMs)) {
    rows += runs[--from]!.rows;
  }
  return { kept: runs.slice(0, from), merged: runs.slice(from) };
}

/** undefined: nothing is left of it. */
async function writeRun(
  { store, endpoint }: OnceIndex,
  {
    files,
    merged,
    view,
  }: { readonly files: readonly NumberedFile[]; readonly merged: readonly Run[]; readonly view: View },
  { ledgers, sinceMs }: MergeOptions,
): Promise<Run | undefined> {
  const keptLines = new Map<number, ReadonlySet<number>>();
  for (const file of files) {
    const lines = file.atMs < sinceMs ? await linesToKeep(file) : undefined;
    if (lines !== undefined) keptLines.set(file.number, lines);
  }
  const sources = merged.map(
    ({ id }): RowSource => ({ number: undefined, blocks: blocksOf(keys.runRowsKey(endpoint, id)) }),
  );
  for (const file of view.files) {
    for (let piece = 1; piece <= file.pieces; piece++) {
      sources.push({ number: file.number, blocks: blocksOf(keys.rowsKey(endpoint, file, piece)) });
    }
  }
  const id = randomUUID();
  let rows = 0;
  const keep = (number: number, line: number): boolean => {
    const kept = keptLines.get(number)?.has(line) ?? true;
    if (kept) rows++;
    return kept;
  };
  await store.putStream(keys.runRowsKey(endpoint, id), mergeRows(sources, keep));
  const left = files.filter(({ number }) => keptLines.get(number)?.size !== 0);
  const run: Run = {
    id,
    first: merged[0]?.first ?? view.last + 1,
    last: view.files.at(-1)!.number,
    rows,
    atMs: left.reduce((latest, { atMs }) => Math.max(latest, atMs), 0),
  };
  if (left.length === 0) {
    await store.delete(keys.runRowsKey(endpoint, id));
    return undefined;
  }
  await store.put(keys.runFilesKey(endpoint, id), left.map((file) => `${JSON.stringify(file)}\n`).join(''));
  return run;

  function blocksOf(key: string): AsyncIterator<Uint32Array> {
    return entryBlocks(store.readFrom(key, 0))[Symbol.asyncIterator]();
  }

  /** Of a file that is out of date: what a retry may send, and what it has delivered since. undefined: all. */
  async function linesToKeep(file: NumberedFile): Promise<ReadonlySet<number> | undefined> {
    const lines = new Set<number>();
    try {
      for await (const chunk of chunksOf(store, { ...file, endpoint, windows: ALL_WINDOWS })) {
        const states = await ledgers.read(chunk);
        for (const { line } of await readChunk(store, chunk)) if (isAskedFor(states.get(line))) lines.add(line);
        if (lines.size > MOST_KEPT_LINES) return undefined;
      }
      return lines;
    } catch (error) {
      if (error instanceof ChunksMissing) return undefined;
      throw error;
    }
  }

  function isAskedFor(state: RowState | undefined): boolean {
    if (state?.outcome !== 'delivered') return true;
    return state.duplicateOf === '' && state.atMs >= sinceMs;
  }
}

async function removeMerged(index: OnceIndex, view: View, merged: readonly Run[], last: number): Promise<void> {
  const { store, endpoint } = index;
  for (const run of merged) await removeRun(index, run);
  for (const file of view.files) {
    for (let piece = 1; piece <= file.pieces; piece++) await store.delete(keys.rowsKey(endpoint, file, piece));
  }
  for (const name of await store.list(keys.filesPrefix(endpoint))) {
    if (Number(name) <= last) await store.delete(keys.fileNumberKey(endpoint, Number(name)));
  }
  for (const name of await store.list(keys.indexPrefix(endpoint))) {
    if (Number(name) <= view.manifest) await store.delete(keys.manifestKey(endpoint, Number(name)));
  }
}

async function removeRun({ store, endpoint }: OnceIndex, { id }: Run): Promise<void> {
  await store.delete(keys.runRowsKey(endpoint, id));
  await store.delete(keys.runFilesKey(endpoint, id));
}
