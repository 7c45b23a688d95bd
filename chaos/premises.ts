/** Where files are dropped and reports lie: a folder on one host, or a bucket that two hosts share (bucket-premises.ts). */
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WireFault } from '../test/support/faulty-proxy.ts';
import type { WdsName } from './plan.ts';
import { SmallDisk } from './small-disk.ts';

export interface Premises {
  /** Members of wds's configuration. */
  readonly configuration: Readonly<Record<string, unknown>>;
  /** The disk that can be full, where there is one. */
  readonly disk: SmallDisk | undefined;
  /** Of a process of wds; undefined: of an operator's command. */
  environment(name: WdsName | undefined): Readonly<Record<string, string>>;
  /** Into the inbox, under this name. `slowly`: it can be seen growing, where that is possible. */
  drop(name: string, bytes: Buffer, slowly: boolean): Promise<void>;
  /** What has not been taken from the inbox. */
  waiting(): readonly string[];
  /** A file of the report that `wds report` has named. */
  reportFile(reportDir: string, name: string): string | undefined;
  /** That of the newest report of a file, if it has one. */
  failedCsv(sha256: string): string | undefined;
  /** A share of the requests to the store fails so; undefined: none. Nothing, where there are none. */
  disturbStore(fault: WireFault | undefined, share: number): void;
  /** `keptIn`: where the store is copied to, if it would be gone. */
  close(keptIn: string | undefined): Promise<void>;
}

/** A slow uploader writes in this many pieces, this far apart. */
const PIECES = 4;
const PIECE_PAUSE_MS = 250;

export class FolderPremises implements Premises {
  readonly disk: SmallDisk;
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly #inbox: string;
  readonly #outside: string;

  private constructor(folder: string, disk: SmallDisk) {
    this.disk = disk;
    this.#inbox = join(folder, 'inbox');
    this.#outside = join(folder, 'outside');
    this.configuration = { home: disk.folder, inbox: this.#inbox };
  }

  /** `folder` is there. */
  static async open(folder: string): Promise<FolderPremises> {
    for (const name of ['inbox', 'outside']) await mkdir(join(folder, name), { recursive: true });
    return new FolderPremises(folder, SmallDisk.make(join(folder, 'home')));
  }

  environment(): Record<string, string> {
    return {};
  }

  async drop(name: string, bytes: Buffer, slowly: boolean): Promise<void> {
    if (!slowly) {
      const outside = join(this.#outside, name);
      await writeFile(outside, bytes);
      renameSync(outside, join(this.#inbox, name));
      return;
    }
    const handle = await open(join(this.#inbox, name), 'wx');
    const step = Math.ceil(bytes.length / PIECES);
    for (let from = 0; from < bytes.length; from += step) {
      await handle.write(bytes.subarray(from, from + step));
      await sleep(PIECE_PAUSE_MS);
    }
    await handle.close();
  }

  waiting(): string[] {
    const files = (folder: string): string[] =>
      readdirSync(folder, { withFileTypes: true, recursive: true })
        .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
        .map((entry) => entry.name);
    const waiting = readdirSync(this.#inbox, { withFileTypes: true }).filter((entry) => entry.isFile());
    const claims = join(this.#inbox, '.wds', 'claims');
    const claimed = readdirSync(join(this.#inbox, '.wds')).includes('claims') ? files(claims) : [];
    return [...waiting.map((entry) => entry.name), ...claimed.filter((name) => /^\d+-/.test(name))];
  }

  reportFile(reportDir: string, name: string): string | undefined {
    const path = join(reportDir, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  }

  failedCsv(sha256: string): string | undefined {
    const folder = reportFolder(join(this.disk.folder, 'reports'), sha256);
    return folder === undefined ? undefined : this.reportFile(folder, 'failed.csv');
  }

  disturbStore(): void {}

  async close(keptIn: string | undefined): Promise<void> {
    this.disk.remove(keptIn);
  }
}

/** Of that file, among all reports; undefined: it has none. */
export function reportFolder(reports: string, sha256: string): string | undefined {
  const folders = existsSync(reports) ? readdirSync(reports) : [];
  const name = folders.find((folder) => folder.includes(`-${sha256.slice(0, 8)}-`) && !folder.startsWith('.'));
  return name === undefined ? undefined : join(reports, name);
}
