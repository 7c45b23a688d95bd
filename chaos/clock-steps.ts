/**
 * Steps of the wall clock in single processes: by libfaketime where it is installed (Debian's package `faketime`), which moves the clock of
 * everything in the process, else by our own preload, which moves the clock of its JavaScript. Monotonic clocks stand in both.
 */
import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Trouble } from './preload.ts';
import { compiled } from './spawning.ts';

const LIBRARY_FOLDERS = ['/usr/lib', '/usr/local/lib', '/usr/lib64'];

export function findFaketime(): string | undefined {
  for (const folder of LIBRARY_FOLDERS) {
    for (const below of ['', ...subfolders(folder)]) {
      const place = join(folder, below, 'faketime');
      if (subfiles(place).includes('libfaketimeMT.so.1')) return join(place, 'libfaketimeMT.so.1');
    }
  }
  return undefined;
}

const subfolders = (folder: string): string[] => subfiles(folder).filter((name) => name.includes('linux'));

function subfiles(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The troubles of one process: its environment, and what is to happen from now on. */
export class ProcessTroubles {
  readonly env: Readonly<Record<string, string>>;
  readonly #faketimeFile: string;
  readonly #troubleFile: string;
  readonly #faketime: string | undefined;
  #now: Trouble = { offsetMs: 0 };
  #offsetMs = 0;

  constructor(folder: string, name: string, faketime: string | undefined) {
    this.#faketime = faketime;
    this.#faketimeFile = join(folder, `${name}.faketime`);
    this.#troubleFile = join(folder, `${name}.trouble.json`);
    this.#write();
    this.env = {
      WDS_CHAOS_TROUBLE: this.#troubleFile,
      NODE_OPTIONS: `--import=${pathToFileURL(compiled('preload.js'))}`,
      ...(faketime === undefined
        ? {}
        : {
            LD_PRELOAD: faketime,
            FAKETIME_TIMESTAMP_FILE: this.#faketimeFile,
            FAKETIME_CACHE_DURATION: '1',
            FAKETIME_DONT_FAKE_MONOTONIC: '1',
            NO_FAKE_STAT: '1',
          }),
    };
  }

  /** From a second on at the latest, until it is stepped again; 0 is the right time. */
  stepClock(offsetMs: number): void {
    this.#offsetMs = offsetMs;
    this.#now = { ...this.#now, offsetMs: this.#faketime === undefined ? offsetMs : 0 };
    this.#write();
  }

  /** Writes below this folder fail; undefined: none does. */
  fillDisk(below: string | undefined): void {
    const { offsetMs } = this.#now;
    this.#now = below === undefined ? { offsetMs } : { offsetMs, fullBelow: below };
    this.#write();
  }

  #write(): void {
    replace(this.#troubleFile, JSON.stringify(this.#now));
    const seconds = this.#offsetMs / 1_000;
    replace(this.#faketimeFile, `${seconds < 0 ? '' : '+'}${seconds}\n`);
  }
}

function replace(path: string, text: string): void {
  writeFileSync(`${path}.tmp`, text);
  renameSync(`${path}.tmp`, path);
}
