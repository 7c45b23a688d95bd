/**
 * Reads one window of a staged file: checks each row, drops duplicates, writes chunks, and says where the next window begins. Idempotent:
 * a committed window is returned as it is, an interrupted one leaves nothing, and the same window read twice is the same bytes. So
 * windows that were deleted come back as they were, and receipts that name their rows still fit.
 *
 * A file that cannot be trusted as a whole fails for good, before anything of it is sent. Its message here shows nothing of the file; the
 * full one is in the store (readRefusal).
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ReadActivities, ReadChunksInput, WindowResult } from '../src/domain/contracts.ts';
import { FileRefusal } from '../src/domain/failure.ts';
import { parseKey } from '../src/domain/parse-options.ts';
import { failpoint } from '../src/failpoint.ts';
import { readRows } from '../src/formats/rows.ts';
import { SeenUsers } from '../src/formats/seen-users.ts';
import type { WindowRef } from '../src/store/chunks.ts';
import { readWholeWindow, unknownFile } from '../src/store/chunks.ts';
import { contentKey } from '../src/store/layout.ts';
import { prunedText } from '../src/store/pruned.ts';
import { readSeen } from '../src/store/saved-users.ts';
import { readStagedFile } from '../src/store/staged-file.ts';
import type { Store } from '../src/store/store.ts';
import { WindowWriter } from '../src/store/window-writer.ts';
import { contentMissingFailure, tellingTemporal } from './failures.ts';
import { MendedRows } from './mended-rows.ts';
import { OriginalRows } from './original-rows.ts';
import type { OnRefusal } from './refusals.ts';
import { tellingRefusals } from './refusals.ts';

/** Counts only: heartbeats end in history. */
export interface ReadHeartbeat {
  readonly window: number;
  readonly rows: number;
}

export interface ReadChunksDependencies {
  readonly store: Store;
  readonly heartbeat: (details: ReadHeartbeat) => void;
  /** Of the activity that is running; asked again for each one. */
  readonly cancellation: () => AbortSignal | undefined;
  readonly onRefusal?: OnRefusal;
}

const THIS_FILE = 'this file';
const PIECES_A_HEARTBEAT = 16;
/** Also while nothing is read: saving a window to a slow disk may take long. */
const HEARTBEAT_INTERVAL_MS = 2_000;

export function createReadChunks(dependencies: ReadChunksDependencies): ReadActivities {
  const reader = new WindowReader(dependencies);
  return { readChunks: (input) => reader.read(input) };
}

class WindowReader {
  readonly #dependencies: ReadChunksDependencies;
  /** The users of the file that was read last, for its next window; taken while in use. */
  #lastSeen: { readonly key: string; readonly seen: SeenUsers } | undefined;

  constructor(dependencies: ReadChunksDependencies) {
    this.#dependencies = dependencies;
  }

  async read(input: ReadChunksInput): Promise<WindowResult> {
    const key = parseKey(input.parse);
    const ref: WindowRef = { sha256: input.sha256, parseKey: key, window: input.window };
    const of = { ...ref, endpoint: input.endpoint };
    return tellingTemporal(undefined, () => tellingRefusals(this.#dependencies, of, () => this.#read(input, ref)));
  }

  async #read(input: ReadChunksInput, ref: WindowRef): Promise<WindowResult> {
    const { store } = this.#dependencies;
    const committed = await readWholeWindow(store, ref);
    if (committed !== undefined) {
      if (sameCursor(committed.cursor, input.cursor)) return committed.result;
      throw elsewhere(ref);
    }
    await this.#checkContent(input);
    const previous = await this.#earlierWindows(input);
    if (!sameCursor(previous?.next ?? null, input.cursor)) throw elsewhere(ref);
    const result = await this.#readWindow(input, ref, previous);
    failpoint('reading.committed');
    return result;
  }

  /** The window before this one, which needs the users of all earlier ones. */
  async #earlierWindows(input: ReadChunksInput): Promise<WindowResult | undefined> {
    if (input.window === 1) return undefined;
    for await (const result of this.#windows(input)) if (result.window === input.window - 1) return result;
    return undefined;
  }

  /** How many windows there are in all. */
  async #readAll(input: ReadChunksInput): Promise<number> {
    let windows = 0;
    const what = `the file ${input.sha256.slice(0, 12)}, whose rows it mends,`;
    for await (const { window } of this.#windows(input, what)) windows = window;
    return windows;
  }

  /** The windows of a file, one after another; those that were deleted are read again. */
  async *#windows(input: ReadChunksInput, what?: string): AsyncGenerator<WindowResult> {
    const { sha256, parse } = input;
    let previous: WindowResult | undefined;
    for (let window = 1; previous?.next !== null; window++) {
      const ref = { sha256, parseKey: parseKey(parse), window };
      const again = { ...input, window, cursor: previous?.next ?? null };
      const whole = await readWholeWindow(this.#dependencies.store, ref);
      if (whole === undefined && window === 1) await this.#checkContent(again, what);
      previous = whole?.result ?? (await this.#readWindow(again, ref, previous));
      yield previous;
    }
  }

  async #checkContent(input: ReadChunksInput, what = THIS_FILE): Promise<void> {
    const { store } = this.#dependencies;
    const staged = await readStagedFile(store, input.sha256);
    if (staged?.refusal !== undefined) throw new FileRefusal(staged.refusal.code, staged.refusal.message);
    const contentBytes = await store.size(contentKey(input.sha256));
    if (contentBytes === undefined) {
      throw staged === undefined
        ? unknownFile(input.sha256)
        : contentMissingFailure(
            `the content of ${what} is not in the store${await prunedText(store, input.sha256)}`,
            what === THIS_FILE ? undefined : 'drop that file again, then retry this one',
          );
    }
    if (staged !== undefined && staged.contentBytes !== contentBytes) {
      throw contentMissingFailure(
        `the store holds ${contentBytes} bytes of this file, staged were ${staged.contentBytes}`,
      );
    }
  }

  async #readWindow(input: ReadChunksInput, ref: WindowRef, previous: WindowResult | undefined): Promise<WindowResult> {
    const { store, heartbeat, cancellation } = this.#dependencies;
    const signal = cancellation();
    let rowsRead = 0;
    let pieces = 0;
    const beat = (): void => heartbeat({ window: input.window, rows: rowsRead });
    const breathe = async (): Promise<void> => {
      await nextTurn();
      signal?.throwIfAborted();
      if (pieces++ % PIECES_A_HEARTBEAT === 0) beat();
    };
    const timer = setInterval(beat, HEARTBEAT_INTERVAL_MS);
    let writer: WindowWriter | undefined;
    try {
      const seen = await this.#seenBefore(ref, breathe);
      const firstChunk = previous === undefined ? 1 : previous.firstChunk + previous.chunks;
      const { chunkSize, maxChunkLength, columns } = input.parse;
      const sizes = { chunkSize, maxChunkLength };
      writer = new WindowWriter({ store, ref, cursor: input.cursor, firstChunk, ...sizes, columns, seen });
      const originals = new OriginalRows({
        ...{ store, endpoint: input.endpoint, breathe },
        readAll: (sha256, parse) => this.#readAll({ ...input, sha256, parse }),
      });
      const sink = new MendedRows(writer, originals);
      const { rows, next } = await readRows({
        source: store.readFrom(contentKey(input.sha256), input.cursor?.byteOffset ?? 0),
        parse: input.parse,
        cursor: input.cursor,
        rowLimit: input.windowRows,
        sink,
        afterPiece: async (rows) => {
          rowsRead = rows;
          await sink.flush();
          await breathe();
        },
      });
      // Another reader of the same file (for another endpoint, say) may have been faster, with windows of another size.
      const earlier = await readWholeWindow(store, ref);
      if (earlier !== undefined) {
        await writer.abort();
        return earlier.result;
      }
      const result = await writer.commit(rows, next);
      if (next !== null) this.#lastSeen = { key: seenKeyOf(ref, ref.window), seen };
      return result;
    } catch (error) {
      await writer?.abort();
      throw error;
    } finally {
      clearInterval(timer);
    }
  }

  /** The users of all earlier windows: from memory, or from what those windows saved. */
  async #seenBefore(ref: WindowRef, breathe: () => Promise<void>): Promise<SeenUsers> {
    const last = this.#lastSeen;
    if (last?.key === seenKeyOf(ref, ref.window - 1)) {
      this.#lastSeen = undefined;
      return last.seen;
    }
    // Another file's table stays for a small file that comes in between, but two large ones would be too much.
    if (ref.window > 1) this.#lastSeen = undefined;
    const seen = new SeenUsers(ref.sha256);
    for (let window = 1; window < ref.window; window++) {
      for await (const entries of readSeen(this.#dependencies.store, { ...ref, window })) {
        seen.addEntries(entries);
        await breathe();
      }
    }
    return seen;
  }
}

const seenKeyOf = (ref: WindowRef, window: number): string => `${ref.sha256} ${ref.parseKey} ${window}`;

const sameCursor = (a: ReadChunksInput['cursor'], b: ReadChunksInput['cursor']): boolean =>
  a?.byteOffset === b?.byteOffset && a?.nextLine === b?.nextLine;

const elsewhere = ({ window }: WindowRef): Error =>
  contentMissingFailure(`window ${window} was read from another place than this run asks for`);
