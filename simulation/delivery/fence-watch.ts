/** Looks at each request in the turn in which it begins: whether its process found the row to be its own a moment ago. */
import { CONFIRMATION_VALID_MS } from '../../src/domain/ledger/fence.ts';
import { webhookId } from '../../src/domain/names.ts';
import type { SimProcess } from './sim-process.ts';
import type { SimStore } from './sim-store.ts';
import { ENDPOINT } from './wiring.ts';

export class FenceWatch {
  /** When a look at a row's journals was begun, after its announcement; by process and `webhook-id`. */
  readonly #confirmedMs = new Map<SimProcess, Map<string, number>>();

  watch(process: SimProcess, store: SimStore): void {
    const confirmedMs = new Map<string, number>();
    /** By folder of journals, and by journal: the rows of the last announcement. */
    const announced = new Map<string, Map<string, string[]>>();
    this.#confirmedMs.set(process, confirmedMs);
    store.onAppend = (key, text) => {
      const sha256 = key.slice(0, key.indexOf('/'));
      const folder = key.slice(0, key.lastIndexOf('/'));
      for (const line of text.split('\n')) {
        if (!line.startsWith('i ')) continue;
        const rows = line.slice(line.indexOf(' ', 2) + 1).split(',');
        const ids = rows.map((row) => webhookId(ENDPOINT, sha256, Number(row)));
        announced.set(folder, (announced.get(folder) ?? new Map<string, string[]>()).set(key, ids));
      }
    };
    store.onLook = (prefix) => {
      for (const ids of announced.get(prefix)?.values() ?? []) for (const id of ids) confirmedMs.set(id, process.now());
    };
  }

  /**
   * A conditional write of a chunk's object: announcement and look in one. Whose rows it announces cannot be told from outside, so that all that
   * anybody announces in it counts.
   */
  replaced(process: SimProcess, key: string, text: string): void {
    const sha256 = key.slice(0, key.indexOf('/'));
    const { journals } = JSON.parse(text) as { readonly journals: readonly { readonly text: string }[] };
    const confirmedMs = this.#confirmedMs.get(process);
    for (const journal of journals) {
      const last = journal.text.slice(journal.text.lastIndexOf('\ni ') + 3).split('\n', 1)[0] ?? '';
      for (const row of last.slice(last.indexOf(' ') + 1).split(',')) {
        confirmedMs?.set(webhookId(ENDPOINT, sha256, Number(row)), process.now());
      }
    }
  }

  /** What is wrong with a request that begins now; undefined: nothing. */
  fault(process: SimProcess, id: string): string | undefined {
    const ageMs = process.now() - (this.#confirmedMs.get(process)?.get(id) ?? Number.NEGATIVE_INFINITY);
    return ageMs <= CONFIRMATION_VALID_MS ? undefined : `${id} begins ${ageMs} ms after a look`;
  }
}
