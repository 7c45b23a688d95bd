/** What `wds verify` has found, and how much it has looked at. */

/** `note`: worth knowing, and nothing is wrong. */
export type Weight = 'fault' | 'note';

export interface VerifyFinding {
  readonly weight: Weight;
  /** The file as people know it; null: it is about the store as a whole. */
  readonly file: string | null;
  readonly sha256: string | null;
  /** Where: the key of an object in the store, or a path. */
  readonly where: string;
  readonly found: string;
  /** What to do. */
  readonly next: string;
}

export interface Looked {
  files: number;
  bytes: number;
  chunks: number;
  /** Rows that the receipts know something of. */
  receipts: number;
}

/** Takes findings in, about one file or the store as a whole. */
export class Findings {
  /** Of all files together. */
  readonly looked: Looked;
  readonly all: VerifyFinding[] = [];
  #file: string | null = null;
  #sha256: string | null = null;

  constructor(looked: Looked) {
    this.looked = looked;
  }

  about(file: string, sha256: string): void {
    this.#file = file;
    this.#sha256 = sha256;
  }

  fault(where: string, found: string, next: string): void {
    this.#add('fault', where, found, next);
  }

  note(where: string, found: string, next: string): void {
    this.#add('note', where, found, next);
  }

  #add(weight: Weight, where: string, found: string, next: string): void {
    this.all.push({ weight, file: this.#file, sha256: this.#sha256, where, found, next });
  }

  /** Looks at one thing; what cannot be read is a fault of its own. */
  async guard(where: string, next: string, look: () => Promise<void>): Promise<void> {
    try {
      await look();
    } catch (error) {
      this.fault(where, `cannot be read: ${(error as Error).message}`, next);
    }
  }
}
