/**
 * Rounds: the tries at a file, numbered in the order in which they began. A number belongs to the run of the workflow that began the try, so
 * whoever repeats the call gets the same one.
 */
import type { AmbiguousPolicy } from '../domain/endpoint.ts';
import { Fault } from '../domain/failure.ts';
import type { OnceOptions } from '../domain/ledger/earlier.ts';
import type { DeliveryOf } from './layout.ts';
import { deliveryPrefix, roundKey, roundsPrefix } from './layout.ts';
import { StaleRound } from './ledger.ts';
import type { Store } from './store.ts';

export interface RoundRecord {
  /** Of the run that began it. */
  readonly runId: string;
  /** The endpoint's policy when it began; undefined: of before rounds were numbers. */
  readonly ambiguous?: AmbiguousPolicy;
  readonly begunAt: string;
  /** Once a message: in the round that was begun so, and in all that follow. */
  readonly once?: OnceOptions;
  /** What made somebody ask for unconfirmed alerts again: a name of its own. Absent: nobody has, or to a build without names. */
  readonly press?: string;
  /** The first round that was begun for the same press; absent: this one. */
  readonly reopenedFrom?: number;
}

export interface Round extends RoundRecord {
  readonly round: number;
}

const MOST_SEEN = 1_000;
/** The newest round that was seen of each delivery, in stores that keep what they have. */
const seen = new WeakMap<Store, Map<string, Round>>();

/** undefined: no round has begun. A listing may be older than what is there, so it is looked whether there are more. */
export async function newestRound(store: Store, of: DeliveryOf): Promise<Round | undefined> {
  const known = seen.get(store) ?? new Map<string, Round>();
  let newest = known.get(deliveryPrefix(of)) ?? (await newestListed(store, of));
  for (;;) {
    const next = await readRound(store, of, (newest?.round ?? 0) + 1);
    if (next === undefined) break;
    newest = next;
  }
  if (store.lasting && newest !== undefined) {
    if (known.size >= MOST_SEEN) known.clear();
    seen.set(store, known.set(deliveryPrefix(of), newest));
  }
  return newest;
}

async function newestListed(store: Store, of: DeliveryOf): Promise<Round | undefined> {
  const round = Number((await store.list(roundsPrefix(of))).at(-1) ?? 0);
  return round === 0 ? undefined : readRound(store, of, round);
}

async function readRound(store: Store, of: DeliveryOf, round: number): Promise<Round | undefined> {
  const bytes = await store.get(roundKey(of, round));
  return bytes === undefined ? undefined : { ...(JSON.parse(bytes.toString('utf8')) as RoundRecord), round };
}

/** The run's round if it is the newest, otherwise the next one, now the run's. */
export async function beginRound(store: Store, of: DeliveryOf, wanted: RoundRecord): Promise<Round> {
  for (;;) {
    const newest = await newestRound(store, of);
    if (newest?.runId === wanted.runId) return newest;
    const round = (newest?.round ?? 0) + 1;
    const once = wanted.once ?? newest?.once;
    const reopenedFrom = await firstOfPress(store, of, wanted, round);
    const record = {
      ...wanted,
      ...(once === undefined ? {} : { once }),
      ...(reopenedFrom === undefined ? {} : { reopenedFrom }),
    };
    if (await store.create(roundKey(of, round), `${JSON.stringify(record)}\n`)) return { ...record, round };
  }
}

/** undefined: this is the first one. */
async function firstOfPress(
  store: Store,
  of: DeliveryOf,
  { press, runId }: RoundRecord,
  before: number,
): Promise<number | undefined> {
  for (let round = 1; round < before; round++) {
    const earlier = await readRound(store, of, round);
    if (earlier?.runId === runId || (press !== undefined && earlier?.press === press)) return round;
  }
  return undefined;
}

/**
 * The round that an activity works for. `round`: its number, and `runId` whose it is; or, in histories of before rounds were numbers, the run
 * ID that stood for it. Throws StaleRound where it is not the newest, or is another run's (a workflow that was reset).
 */
export async function requireRound(
  store: Store,
  of: DeliveryOf,
  { round, runId }: { readonly round: number | string; readonly runId?: string | undefined },
): Promise<Round> {
  const newest = await newestRound(store, of);
  if (typeof round === 'string') {
    if (newest !== undefined && newest.runId !== round) throw new StaleRound(0, newest.round);
    return newest ?? beginRound(store, of, { runId: round, begunAt: new Date(0).toISOString() });
  }
  if (newest === undefined || newest.round < round) {
    throw new Fault(
      'store',
      `round ${round} of this file is missing; the store knows ${newest?.round ?? 'none'}`,
      'Is it an older copy of the store? Nothing is sent until the rest is back.',
    );
  }
  if (newest.round !== round || (runId !== undefined && newest.runId !== runId))
    throw new StaleRound(round, newest.round);
  return newest;
}

/** The number of a run's round; 0: it has none. */
export async function roundOfRun(store: Store, of: DeliveryOf): Promise<(runId: string) => number> {
  const numbers = new Map<string, number>();
  for (const name of await store.list(roundsPrefix(of))) {
    const record = await readRound(store, of, Number(name));
    if (record !== undefined) numbers.set(record.runId, record.round);
  }
  return (runId) => numbers.get(runId) ?? 0;
}
