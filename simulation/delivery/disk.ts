/**
 * The disk of one simulated host: what its processes have written is there for all of them at once (the page cache), and what was synced is
 * there after a loss of power, too. Of the rest any part may be: bytes up to some point of a file, and each name by itself.
 */
import type { Chance } from '../chance.ts';

export interface DiskFile {
  bytes: Buffer;
  /** Journals grow; their text is kept in pieces until somebody reads it. */
  tail: string[];
  /** Bytes that survive a loss of power. */
  syncedBytes: number;
  /** The name survives. */
  named: boolean;
}

/** What goes wrong with a host's disk. `full`: nothing can be written; `failing`: each call may fail; `gone`: not mounted. */
export type DiskTrouble = 'none' | 'full' | 'failing' | 'gone';

/** A machine: its processes share a disk, and lose it together. */
export class Host {
  readonly name: string;
  trouble: DiskTrouble = 'none';
  /** Another one after each loss of power. */
  boot = 1;
  readonly #mounted = new Disk();
  /** The empty folder that the disk is mounted on. */
  readonly #below = new Disk();

  constructor(name: string) {
    this.name = name;
  }

  get disk(): Disk {
    return this.trouble === 'gone' ? this.#below : this.#mounted;
  }
}

export class Disk {
  #files = new Map<string, DiskFile>();
  /** Names directly below each folder. */
  #folders = new Map<string, Set<string>>();

  get(path: string): DiskFile | undefined {
    return this.#files.get(path);
  }

  read(path: string): Buffer | undefined {
    const file = this.#files.get(path);
    if (file === undefined) return undefined;
    settle(file);
    return file.bytes;
  }

  has(path: string): boolean {
    return this.#files.has(path) || this.#folders.has(path);
  }

  /** A whole file under its name, or in the place of an earlier one; survives a loss of power. */
  put(path: string, bytes: Buffer): void {
    this.#add(path, { bytes, tail: [], syncedBytes: bytes.length, named: true });
  }

  /** An empty file that is not synced. */
  create(path: string): DiskFile {
    const file: DiskFile = { bytes: Buffer.alloc(0), tail: [], syncedBytes: 0, named: false };
    this.#add(path, file);
    return file;
  }

  list(folder: string): string[] {
    return [...(this.#folders.get(folder) ?? [])].sort();
  }

  /** The folder is synced: the names of its files survive. */
  nameAll(folder: string): void {
    for (const name of this.#folders.get(folder) ?? []) {
      const file = this.#files.get(`${folder}/${name}`);
      if (file !== undefined) file.named = true;
    }
  }

  /** A file, or a folder with all that is in it. */
  delete(path: string): void {
    for (const name of this.list(path)) this.delete(`${path}/${name}`);
    this.#folders.delete(path);
    this.#files.delete(path);
    const at = path.lastIndexOf('/');
    if (at > 0) this.#folders.get(path.slice(0, at))?.delete(path.slice(at + 1));
  }

  losePower(chance: Chance): void {
    for (const [path, file] of [...this.#files]) {
      settle(file);
      if (!file.named && chance.happens(0.5)) {
        this.delete(path);
        continue;
      }
      file.named = true;
      const kept = chance.whole(file.syncedBytes, file.bytes.length);
      const lost = file.bytes.length - kept;
      // The length may be written before the bytes.
      const zeros = lost > 0 && chance.happens(0.3) ? Buffer.alloc(chance.whole(1, lost)) : Buffer.alloc(0);
      file.bytes = Buffer.concat([file.bytes.subarray(0, kept), zeros]);
      file.syncedBytes = file.bytes.length;
    }
  }

  /** As it is now. */
  copy(): Map<string, Buffer> {
    return new Map([...this.#files.keys()].map((path) => [path, this.read(path)!]));
  }

  /** An old backup in the place of what is there. */
  restore(copy: ReadonlyMap<string, Buffer>): void {
    this.#files = new Map();
    this.#folders = new Map();
    for (const [path, bytes] of copy) this.put(path, bytes);
  }

  #add(path: string, file: DiskFile): void {
    const known = this.#files.has(path);
    this.#files.set(path, file);
    if (known) return;
    let at = path.lastIndexOf('/');
    let name = path.slice(at + 1);
    let folder = at > 0 ? path.slice(0, at) : '';
    for (;;) {
      const names = this.#folders.get(folder);
      if (names !== undefined) {
        names.add(name);
        return;
      }
      this.#folders.set(folder, new Set([name]));
      if (folder === '') return;
      at = folder.lastIndexOf('/');
      name = folder.slice(at + 1);
      folder = at > 0 ? folder.slice(0, at) : '';
    }
  }
}

function settle(file: DiskFile): void {
  if (file.tail.length === 0) return;
  file.bytes = Buffer.concat([file.bytes, Buffer.from(file.tail.join(''))]);
  file.tail = [];
}
