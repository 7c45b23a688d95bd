/** The files of a round as its operator knows them: what was planned, what was dropped, what was mended, and which presses it got. */
import { parse } from 'csv-parse/sync';
import type { Input, MendedRow } from './inputs.ts';
import { makeInput, makeMended } from './inputs.ts';
import type { FilePlan, Mend } from './plan.ts';

export class Deliveries {
  readonly #planned: readonly Input[];
  readonly #failedCsv: (sha256: string) => string | undefined;
  readonly #known = new Map<string, Input>();
  readonly #presses = new Map<string, number>();
  /** By SHA-256: what was in its failed.csv when that was first seen. */
  readonly #firstFailed = new Map<string, readonly MendedRow[]>();
  #mends = 0;

  /** `failedCsv`: of the newest report of a file. */
  constructor(files: readonly FilePlan[], failedCsv: (sha256: string) => string | undefined) {
    this.#planned = files.map(makeInput);
    this.#failedCsv = failedCsv;
  }

  planned(file: number): Input {
    return this.#planned[file]!;
  }

  wasDropped(file: number): boolean {
    return this.#known.has(this.planned(file).sha256);
  }

  dropped(file: number): void {
    const input = this.planned(file);
    this.#known.set(input.sha256, input);
  }

  /** All that were dropped, mended ones included, in that order. */
  get inputs(): readonly Input[] {
    return [...this.#known.values()];
  }

  /** One of them; undefined: nothing was dropped yet. */
  any(file: number): Input | undefined {
    return this.inputs[file % Math.max(1, this.inputs.length)];
  }

  /** `retry --unconfirmed` is about to be given for this file: each allows one more request for an unconfirmed alert. */
  pressed(sha256: string): void {
    this.#presses.set(sha256, this.presses(sha256) + 1);
  }

  presses(sha256: string): number {
    return this.#presses.get(sha256) ?? 0;
  }

  /** The failed.csv of one of the files, mended; it counts as dropped. undefined: no file has one. */
  mend(file: number, way: Mend): Input | undefined {
    const failed = this.inputs.flatMap(({ sha256 }) => {
      const rows = this.#failedRows(sha256);
      if (rows.length > 0 && !this.#firstFailed.has(sha256)) this.#firstFailed.set(sha256, rows);
      return rows.length > 0 ? [{ sha256, rows }] : [];
    });
    const chosen = failed[file % Math.max(1, failed.length)];
    if (chosen === undefined) return undefined;
    const rows = way === 'older' ? this.#firstFailed.get(chosen.sha256)! : chosen.rows;
    const edition = ++this.#mends;
    const mended = makeMended(`mended-${edition}.csv`, rows, way, edition);
    this.#known.set(mended.sha256, mended);
    return mended;
  }

  #failedRows(sha256: string): MendedRow[] {
    try {
      const rows: Record<string, string>[] = parse(this.#failedCsv(sha256) ?? '', { columns: true });
      return rows.map((row) => ({ user: row.userId!, message: row.alertMessage!, origin: row.wdsOrigin! }));
    } catch {
      // Just being replaced.
      return [];
    }
  }
}
