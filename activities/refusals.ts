/** Files that are refused as a whole: the full message, which may show text of the file, goes into the store; what may be logged, to the log. */
import { FileRefusal } from '../src/domain/failure.ts';
import { writeRefusal } from '../src/store/refusals.ts';
import { readStagedFile } from '../src/store/staged-file.ts';
import type { Store } from '../src/store/store.ts';

export interface RefusedFile {
  /** Base name of its first drop. */
  readonly file: string;
  readonly sha256: string;
  /** undefined: not known to whoever refused it. */
  readonly endpoint: string | undefined;
  readonly code: string;
  readonly line: number | undefined;
  /** Why, and what to do about it; without text of the file. */
  readonly reason: string;
}

/** Called once for each try that ends so. */
export type OnRefusal = (refused: RefusedFile) => void | Promise<void>;

/** Runs `work`; what it throws goes on. */
export async function tellingRefusals<Result>(
  { store, onRefusal }: { readonly store: Store; readonly onRefusal?: OnRefusal | undefined },
  of: { readonly sha256: string; readonly endpoint: string | undefined; readonly parseKey: string },
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FileRefusal) {
      await writeRefusal(store, of.sha256, of.parseKey, error);
      const { name: file = '' } = (await readStagedFile(store, of.sha256)) ?? {};
      const { sha256, endpoint } = of;
      await onRefusal?.({ file, sha256, endpoint, code: error.code, line: error.line, reason: error.publicMessage });
    }
    throw error;
  }
}
