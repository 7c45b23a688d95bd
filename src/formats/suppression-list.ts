/**
 * A suppression list: a file that names users who are not to be alerted, one a line. It is read again when it has changed, and only when it has
 * not changed for half a second, so that a list that is being written is not taken for a short one. Where it cannot be read, or is no such list,
 * nobody knows who is on it: that is a fault, never an empty list.
 *
 * Users are compared exactly, and besides without white space around them and without CSV quotes: who is on the list in one form or another is
 * rather not alerted. Kept are hashes, 23 bytes a user.
 */
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { SuppressionListFault } from '../domain/failure.ts';
import { SeenUsers } from './seen-users.ts';

/** Whether a user is on a list. */
export type Suppressed = (userId: string) => boolean;

const SETTLE_MS = 500;
/** Somebody who writes for longer should rename a whole file into place. */
const MOST_LOOKS = 20;
const BLOCK_BYTES = 256 * 1024;
/** UTF-16 code units: the longest user that wds can be told to take. */
const LONGEST_LINE = 65_536;
/** Users need no seed of their own here. */
const SEED = '5eed'.repeat(16);

interface ReadList {
  /** What the file looked like. */
  readonly signature: string;
  readonly users: SeenUsers;
}

export interface SuppressionListsOptions {
  /** Told when a list has been read, with the users that it names. */
  readonly onRead?: (path: string, users: number) => void;
}

/** The lists that a process knows, each as it was when it was last looked at. */
export class SuppressionLists {
  readonly #onRead: (path: string, users: number) => void;
  readonly #read = new Map<string, ReadList>();
  readonly #reading = new Map<string, Promise<ReadList>>();

  constructor({ onRead = () => undefined }: SuppressionListsOptions = {}) {
    this.#onRead = onRead;
  }

  /** Who is on any of these lists, now. undefined: there is no list. Throws SuppressionListFault. */
  async of(paths: readonly string[]): Promise<Suppressed | undefined> {
    const lists = await Promise.all([...new Set(paths)].map((path) => this.#list(path)));
    if (lists.length === 0) return undefined;
    return (userId) => {
      const trimmed = userId.trim();
      const isOn = (user: string): boolean => lists.some(({ users }) => users.find(user) !== 0);
      return isOn(userId) || (trimmed !== userId && isOn(trimmed));
    };
  }

  /** Those who ask while it is read wait for the same. */
  async #list(path: string): Promise<ReadList> {
    const reading = this.#reading.get(path) ?? this.#load(path).finally(() => this.#reading.delete(path));
    this.#reading.set(path, reading);
    return reading;
  }

  async #load(path: string): Promise<ReadList> {
    let file: FileHandle | undefined;
    try {
      for (let look = 1; look <= MOST_LOOKS; look++) {
        file = await open(path, 'r');
        const { signature, quietMs } = await lookAt(file);
        const known = this.#read.get(path);
        if (known?.signature === signature) return known;
        if (quietMs >= SETTLE_MS) {
          const users = await readUsers(file, path);
          if ((await lookAt(file)).signature === signature) {
            const list = { signature, users };
            this.#read.set(path, list);
            this.#onRead(path, users.size);
            return list;
          }
        }
        await file.close();
        await sleep(Math.max(50, SETTLE_MS - quietMs));
      }
    } catch (error) {
      throw error instanceof SuppressionListFault ? error : unreadable(path, error);
    } finally {
      await file?.close().catch(() => undefined);
    }
    throw new SuppressionListFault(
      path,
      'is being written all the time',
      'Write it under another name, and rename it.',
    );
  }
}

/** A clock that was set back must not make a list look young for ever. */
async function lookAt(file: FileHandle): Promise<{ readonly signature: string; readonly quietMs: number }> {
  const { ino, size, mtimeMs, ctimeMs } = await file.stat();
  const ageMs = Date.now() - Math.max(mtimeMs, ctimeMs);
  return { signature: `${ino} ${size} ${mtimeMs} ${ctimeMs}`, quietMs: ageMs < -SETTLE_MS ? SETTLE_MS : ageMs };
}

function unreadable(path: string, error: unknown): SuppressionListFault {
  const { code = 'unknown error' } = error as { readonly code?: string };
  const why = code === 'ENOENT' ? 'is not there' : code === 'EISDIR' ? 'is a folder' : `cannot be read (${code})`;
  return new SuppressionListFault(path, why, 'Put it back, or check delivery.suppressFile.', { cause: error });
}

async function readUsers(file: FileHandle, path: string): Promise<SeenUsers> {
  const users = new SeenUsers(SEED);
  const lines = new Lines(path, users);
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  const block = Buffer.alloc(BLOCK_BYTES);
  for (let position = 0; ; ) {
    const { bytesRead } = await file.read(block, 0, BLOCK_BYTES, position);
    decoder ??= new TextDecoder(encodingOf(block.subarray(0, bytesRead)), { fatal: true });
    try {
      lines.take(decoder.decode(block.subarray(0, bytesRead), { stream: bytesRead > 0 }));
    } catch (error) {
      if (error instanceof SuppressionListFault) throw error;
      throw notAList(path, `holds bytes that are not ${decoder.encoding.toUpperCase()} behind line ${lines.line}`);
    }
    if (bytesRead === 0) break;
    position += bytesRead;
  }
  lines.end();
  return users;
}

/** By the byte order mark; the decoder takes it away. */
function encodingOf(start: Buffer): string {
  if (start[0] === 0xff && start[1] === 0xfe) return 'utf-16le';
  return start[0] === 0xfe && start[1] === 0xff ? 'utf-16be' : 'utf-8';
}

const notAList = (path: string, what: string): SuppressionListFault =>
  new SuppressionListFault(path, what, 'It must name one user a line, in UTF-8.');

class Lines {
  /** The number of the last one taken. */
  line = 0;
  readonly #path: string;
  readonly #users: SeenUsers;
  #rest = '';
  /** Lines that say something, and those of them that look like several columns. */
  #filled = 0;
  #columns = 0;

  constructor(path: string, users: SeenUsers) {
    this.#path = path;
    this.#users = users;
  }

  take(text: string): void {
    const pieces = (this.#rest + text).split(/\r\n|\n|\r(?!\n|$)/);
    this.#rest = pieces.pop() ?? '';
    for (const piece of pieces) this.#takeLine(piece);
    if (this.#rest.length > LONGEST_LINE) throw this.#tooLong();
  }

  end(): void {
    for (const piece of this.#rest.split('\r')) this.#takeLine(piece);
    // A user may have a comma in it; that each of them does is a table.
    if (this.#filled > 0 && this.#columns === this.#filled) {
      throw notAList(this.#path, 'looks like a table with several columns');
    }
  }

  #takeLine(raw: string): void {
    this.line++;
    if (raw.length > LONGEST_LINE) throw this.#tooLong();
    if (raw.includes('\0')) throw notAList(this.#path, `has a NUL on line ${this.line}, so it is no text`);
    const user = raw.trim();
    if (user === '') return;
    const [, quoted] = /^"((?:[^"]|"")*)"$/.exec(user) ?? [];
    this.#filled++;
    if (quoted === undefined && /[,;\t]/.test(user)) this.#columns++;
    const inside = quoted?.replaceAll('""', '"') ?? user;
    for (const form of new Set([raw, user, inside, inside.trim()])) this.#users.add(form, this.line);
  }

  #tooLong = (): SuppressionListFault =>
    notAList(this.#path, `has a line of more than ${LONGEST_LINE} characters behind line ${this.line}`);
}
