/**
 * Files that come over the network. Each is written into the folder of this process (entrance.ts), where no watcher looks, and hashed on the
 * way; when all of it is there and on the disk, it is moved into the inbox under its name, over nothing. What breaks off leaves nothing.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FilePriority } from '../domain/contracts.ts';
import { Fault } from '../domain/failure.ts';
import { detectFormat } from '../formats/detect.ts';
import { syncFolder, writeAhead } from '../store/durable-write.ts';
import type { Entrance } from './entrance.ts';
import { FirstAsked } from './first-asked.ts';
import { fittingName, isUploadInProgress, printableName, URGENT_FOLDER } from './inbox-names.ts';
import { moveOverNothing } from './move.ts';
import type { SidecarKind } from './sidecars.ts';
import { Sidecars } from './sidecars.ts';
import { YoungGarbage } from './young-garbage.ts';

export const UPLOAD_PREFIX = 'upload-';

/** An upload of which all is on the disk, and that nobody else sees yet. */
export interface Upload {
  /** Of the dropped bytes: how the file is known from here on. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Where it lies until then. */
  readonly path: string;
  /** Moves it into the inbox, and returns its name there: another one where its own was taken. From then on it survives a crash. */
  place(how: UploadWishes): Promise<string>;
  discard(): Promise<void>;
}

export interface UploadWishes {
  readonly priority: FilePriority;
  /** So many alerts are sent, and the rest when somebody approves it; undefined: as is configured. */
  readonly first?: number | undefined;
}

/** More bytes came than an upload may have. */
export class UploadTooLarge extends Error {
  readonly maxBytes: number;

  constructor(maxBytes: number) {
    super(`more than ${maxBytes} bytes`);
    this.name = 'UploadTooLarge';
    this.maxBytes = maxBytes;
  }
}

/** The base name under which a file may come into the inbox. Throws Fault `unsupported_file`. */
export function uploadName(given: string): string {
  const name = given.replace(/^.*[\\/]/s, '');
  if (name === '' || isUploadInProgress(name) || /\p{Cc}/u.test(name)) {
    throw new Fault('unsupported_file', `${printableName(given)} cannot be the name of a file in an inbox`);
  }
  if (detectFormat(name) === undefined) {
    throw new Fault(
      'unsupported_file',
      `${printableName(name)} is not a kind of file that wds reads`,
      'Give it one of the extensions .csv, .ndjson, .jsonl, .json, each also with .gz.',
    );
  }
  return fittingName('', name);
}

export class Uploads {
  readonly #entrance: Entrance;
  readonly #sidecar: SidecarKind;
  readonly #maxBytes: number;

  constructor(entrance: Entrance, options: { readonly sidecar: SidecarKind; readonly maxBytes: number }) {
    this.#entrance = entrance;
    this.#sidecar = options.sidecar;
    this.#maxBytes = options.maxBytes;
  }

  /** `name`: as `uploadName` gave it. Throws UploadTooLarge, and what the source or the disk throws; then nothing is left. */
  async receive(name: string, source: AsyncIterable<Uint8Array>): Promise<Upload> {
    const path = join(this.#entrance.folder, `${UPLOAD_PREFIX}${randomUUID()}`);
    const hash = createHash('sha256');
    let sizeBytes = 0;
    const maxBytes = this.#maxBytes;
    const garbage = new YoungGarbage();
    async function* hashed(): AsyncGenerator<Uint8Array> {
      for await (const piece of source) {
        sizeBytes += piece.length;
        if (sizeBytes > maxBytes) throw new UploadTooLarge(maxBytes);
        hash.update(piece);
        garbage.add(piece.length);
        yield piece;
      }
    }
    try {
      const handle = await open(path, 'wx');
      try {
        await writeAhead(handle, hashed());
        await handle.sync();
      } finally {
        await handle.close();
      }
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
    const sha256 = hash.digest('hex');
    return {
      sha256,
      sizeBytes,
      path,
      place: (how) => this.#place(path, name, sha256, how),
      discard: () => rm(path, { force: true }),
    };
  }

  async #place(path: string, name: string, sha256: string, { priority, first }: UploadWishes): Promise<string> {
    const { inbox } = this.#entrance;
    const folder = priority === 'urgent' ? join(inbox, URGENT_FOLDER) : inbox;
    await mkdir(folder, { recursive: true });
    // Whoever takes it must know.
    if (first !== undefined) await new FirstAsked(inbox).ask(sha256, first);
    const placed = await moveOverNothing(path, (copy) => join(folder, copyName(name, copy)));
    if (placed === undefined) throw new Error(`${printableName(name)} is gone: another process took this one for dead`);
    await vouchFor(placed, this.#sidecar);
    await syncFolder(folder);
    return placed.slice(folder.length + 1);
  }
}

/** `a.csv.gz`, `a-2.csv.gz` … */
export function copyName(name: string, copy: number): string {
  if (copy === 1) return name;
  const [, stem = name, extension = ''] = /^(.*?)((?:\.[a-z]+)(?:\.gz)?)$/is.exec(name) ?? [];
  return fittingName('', `${stem}-${copy}${extension}`);
}

/** Writes the sidecar by which watchers know that a file in the inbox is whole. */
export async function vouchFor(path: string, kind: SidecarKind): Promise<void> {
  if (kind === 'off') return;
  const sidecar = new Sidecars(kind).pathOf(path);
  let text = '';
  if (kind === 'sha256') {
    const hash = createHash('sha256');
    for await (const block of createReadStream(path)) hash.update(block as Buffer);
    text = `${hash.digest('hex')}\n`;
  }
  await writeFile(`${sidecar}.part`, text);
  await rename(`${sidecar}.part`, sidecar);
}
