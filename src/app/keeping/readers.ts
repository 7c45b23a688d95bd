/** Who reads the rows of files that have ended: deliveries that mend them, and, once a message, all later ones. */
import { parseFileWorkflowId } from '../../domain/names.ts';
import { parseKey } from '../../domain/parse-options.ts';
import { readChunk, readRejects, readWindow } from '../../store/chunks.ts';
import type { DeliveryRecord } from '../../store/delivery-record.ts';
import { readDeliveryRecord } from '../../store/delivery-record.ts';
import { triesPrefix } from '../../store/once/keys.ts';
import { parseOrigin } from '../../store/origins.ts';
import { newestRound } from '../../store/rounds.ts';
import type { Store } from '../../store/store.ts';
import type { House } from './house.ts';

/** The files whose rows are mended by files under way, each with the name of one that does so. */
export async function filesReadBy(house: Pick<House, 'store' | 'underWay'>): Promise<ReadonlyMap<string, string>> {
  const read = new Map<string, string>();
  for await (const workflowId of house.underWay()) {
    const of = parseFileWorkflowId(workflowId);
    const record = of && (await readDeliveryRecord(house.store, of));
    if (record === undefined) continue;
    for await (const origin of originsIn(house.store, record)) read.set(parseOrigin(origin).sha256, record.fileName);
  }
  return read;
}

/** What its rows name as their origins, as far as it is read. */
async function* originsIn(store: Store, { sha256, parse }: DeliveryRecord): AsyncGenerator<string> {
  for (let number = 1; ; number++) {
    const of = { sha256, parseKey: parseKey(parse), window: number };
    const window = await readWindow(store, of);
    if (window === undefined) return;
    for (let chunk = window.firstChunk; window.origins > 0 && chunk < window.firstChunk + window.chunks; chunk++) {
      for (const { origin } of await readChunk(store, { ...of, chunk })) if (origin !== undefined) yield origin;
    }
    if (window.ofOriginals !== undefined) {
      for await (const reject of readRejects(store, of)) {
        if (reject.kind === 'duplicate' && reject.firstFile !== undefined)
          yield `${reject.firstFile}:${reject.firstLine}`;
      }
    }
    if (window.next === null) return;
  }
}

/** Until when rows of later files are compared with those of this one; 0: they are not. */
export async function onceUntilMs(
  store: Store,
  record: DeliveryRecord,
  lastMs: number,
  onceMs: number,
): Promise<number> {
  if ((await store.list(triesPrefix(record))).length === 0) return 0;
  const withinMs = (await newestRound(store, record))?.once?.withinMs ?? 0;
  return lastMs + Math.max(withinMs, onceMs);
}
