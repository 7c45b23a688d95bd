/** Rows of earlier files that have the hash of rows of this one: three numbers each, for there may be many of each row. */

/** A file with a number, as its record says it. */
export interface NumberedFile {
  readonly number: number;
  readonly sha256: string;
  readonly parseKey: string;
  /** When it took the number. */
  readonly atMs: number;
  readonly rows: number;
  /** Objects of its rows, as long as they are in no run. */
  readonly pieces: number;
}

/** A row of this file, by its line, and one of an earlier file. */
export interface Match {
  readonly ownLine: number;
  readonly file: NumberedFile;
  readonly line: number;
}

const WORDS = 3;

export class Matches {
  size = 0;
  #words = new Uint32Array(1_024 * WORDS);
  readonly #files = new Map<number, NumberedFile>();

  add(ownLine: number, number: number, line: number): void {
    const at = this.size++ * WORDS;
    if (at === this.#words.length) {
      const longer = new Uint32Array(this.#words.length * 2);
      longer.set(this.#words);
      this.#words = longer;
    }
    this.#words[at] = ownLine;
    this.#words[at + 1] = number;
    this.#words[at + 2] = line;
  }

  addFiles(files: readonly NumberedFile[]): void {
    for (const file of files) this.#files.set(file.number, file);
  }

  /** By the lines of this file, and those of one row by the numbers of the earlier files. */
  *inOrder(): Generator<Match> {
    const words = this.#words;
    const order = new Uint32Array(this.size);
    for (let match = 0; match < this.size; match++) order[match] = match * WORDS;
    order.sort((a, b) => words[a]! - words[b]! || words[a + 1]! - words[b + 1]!);
    for (const at of order) {
      yield { ownLine: words[at]!, file: this.#files.get(words[at + 1]!)!, line: words[at + 2]! };
    }
  }
}
