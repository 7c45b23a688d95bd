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

  /** What is wrong with a request that begins now; undefined: nothing. */
  fault(process: SimProcess, id: string): string | undefined {
    const ageMs = process.now() - (this.#confirmedMs.get(process)?.get(id) ?? Number.NEGATIVE_INFINITY);
    return ageMs <= CONFIRMATION_VALID_MS ? undefined : `${id} begins ${ageMs} ms after a look`;
  }
}
