/**
 * From a seed to the plan of a round. Faults come in clusters, because single ones are survived: what breaks a guarantee is the meeting of
 * two. Pure: the same seed, policy and rate give the same plan.
 */

import { Chance } from '../simulation/chance.ts';
import type { AmbiguousPolicy } from '../src/domain/endpoint.ts';
import type { WireFault } from '../test/support/faulty-proxy.ts';
import type { FilePlan, LinkName, PlannedEvent, ProcessName, Rate, RoundPlan, StoreKind, TimedEvent } from './plan.ts';
import { HOSTS, MENDS, MOODS, ORDERS, WDS_PROCESSES } from './plan.ts';

const FAULTS_MS = 52_000;
/** The last fault may last until the faults cease; what is dropped after this would be disturbed by nothing. */
const LAST_DROP_MS = 42_000;
/** Longer than three heartbeat timeouts of 10 s, with what Temporal needs to notice. */
const LONG_STOP_MS = 36_000;
const CLUSTERS = 7;
const CLUSTER_WIDTH_MS = 1_500;

const CONNECTIONS = [4, 8, 16, 64];
/** What two workers get through at least, so that a round's alerts are sent within a minute or so. */
const LEAST_PER_SECOND = 100;

const SENDERS: readonly ProcessName[] = ['alerts-1', 'alerts-2'];

/** Listings that are late are left out: no service has them that wds is made for. */
const STORE_FAULTS: readonly WireFault[] = ['slow_down', 'error', 'lost', 'cut', 'refused', 'hang'];

export interface RoundChoice {
  readonly seed: number;
  readonly policy: AmbiguousPolicy;
  readonly rate: Rate;
  readonly store: StoreKind;
}

export function planRound({ seed, policy, rate, store }: RoundChoice): RoundPlan {
  const chance = new Chance(seed);
  const files = Array.from({ length: chance.whole(8, 12) }, (_, at) => planFile(chance, at));
  const events = [
    ...drops(chance, files),
    ...orders(chance),
    ...faults(chance),
    ...(chance.happens(0.5) ? [longStop(chance)] : []),
    // By chance of its own: the rest of a plan is the same for both stores.
    ...(store === 'bucket' ? troublesOfHosts(new Chance(seed + 1)) : []),
  ].filter(({ event }) => store === 'folder' || event.kind !== 'full-disk');
  const latencyMs = chance.pick([20, 100, 300, 600]);
  return {
    seed,
    policy,
    rate,
    store,
    faultsMs: FAULTS_MS,
    receiver: {
      latencyMs,
      limitPerSecond: rate === 'auto' ? chance.pick([80, 200]) : undefined,
    },
    settings: {
      maxConnections: chance.pick(CONNECTIONS.filter((count) => (2 * count * 1_000) / latencyMs >= LEAST_PER_SECOND)),
      maximumAttempts: chance.pick([2, 4, 8, 20]),
      batchSize: chance.happens(0.3) ? chance.pick([5, 50, 300]) : undefined,
      maxStubborn: chance.pick([2, 10, 100]),
      maxHistoryEvents: chance.happens(0.3) ? chance.pick([100, 200]) : 8_000,
    },
    files,
    events: events
      .map(({ atMs, event }) => ({ atMs: Math.round(atMs), event }))
      .sort((one, other) => one.atMs - other.atMs),
  };
}

function planFile(chance: Chance, at: number): FilePlan {
  const rows = chance.weighted([
    [2, chance.whole(1, 5)],
    [3, chance.whole(20, 150)],
    [3, chance.whole(200, 700)],
    [1, chance.whole(1_000, 3_000)],
  ]);
  const some = (share: number, most: number): number =>
    chance.happens(share) ? chance.whole(1, Math.min(most, rows)) : 0;
  const format = chance.weighted([
    [3, 'csv'],
    [1, 'ndjson'],
    [1, 'json'],
  ] as const);
  const gzip = chance.happens(0.25);
  return {
    name: `f${at}.${format}${gzip ? '.gz' : ''}`,
    format,
    gzip,
    rows,
    refused: some(0.6, 6),
    stubborn: some(0.5, 8),
    invalid: rows >= 20 ? some(0.2, 2) : 0,
    duplicates: some(0.3, 4),
    seed: chance.whole(1, 2 ** 31),
  };
}

/** Every file once, early ones first; some of them again under other names, from the command line, or mended. */
function drops(chance: Chance, files: readonly FilePlan[]): TimedEvent[] {
  const events: TimedEvent[] = [];
  files.forEach(({ name }, file) => {
    // Two wait for nothing: something is on its way from the first fault on.
    const atMs = file < 2 ? 0 : chance.between(0, LAST_DROP_MS);
    events.push({ atMs, event: { kind: 'drop', file, as: name, slowly: chance.happens(0.2) } });
    for (let again = 1; chance.happens(0.4) && again <= 3; again++) {
      const as = `again-${again}-${name}`;
      events.push({
        atMs: chance.between(atMs, LAST_DROP_MS + 5_000),
        event: { kind: 'drop', file, as, slowly: false },
      });
    }
    if (chance.happens(0.3)) {
      const rate: Rate = chance.pick([20, 100, 4_000, 'auto', 'unlimited']);
      events.push({ atMs: Math.max(0, atMs + chance.between(-500, 3_000)), event: { kind: 'submit', file, rate } });
    }
  });
  for (let count = chance.whole(3, 6); count > 0; count--) {
    const event: PlannedEvent = { kind: 'mend', file: chance.whole(0, 99), way: chance.pick(MENDS) };
    const atMs = chance.between(8_000, LAST_DROP_MS + 5_000);
    events.push({ atMs, event });
    // Mended twice: the second editor is not long after the first.
    if (chance.happens(0.6))
      events.push({ atMs: atMs + chance.between(200, 5_000), event: { ...event, way: 'line-ends' } });
  }
  return events;
}

function orders(chance: Chance): TimedEvent[] {
  return Array.from({ length: chance.whole(4, 9) }, () => {
    const order = chance.pick(ORDERS);
    return {
      atMs: chance.between(3_000, FAULTS_MS - 2_000),
      event: { kind: 'order', order, file: chance.whole(0, 99) } as const,
    };
  });
}

function faults(chance: Chance): TimedEvent[] {
  const events: TimedEvent[] = [];
  for (let cluster = 0; cluster < CLUSTERS; cluster++) {
    const centreMs = chance.between(1_000, FAULTS_MS - 4_000);
    for (let count = chance.whole(1, 4); count > 0; count--) {
      const atMs = centreMs + chance.between(0, CLUSTER_WIDTH_MS);
      events.push({ atMs, event: oneFault(chance, FAULTS_MS - atMs) });
    }
  }
  return events;
}

function oneFault(chance: Chance, leftMs: number): PlannedEvent {
  const target = chance.weighted<ProcessName>([
    [6, chance.pick(SENDERS)],
    [3, chance.pick(['files-1', 'files-2'] as const)],
    [2, chance.pick(['watcher-1', 'watcher-2'] as const)],
    [1.5, 'server'],
    [1.5, 'receiver'],
  ]);
  const link: LinkName = chance.happens(0.5) ? 'receiver' : chance.pick(WDS_PROCESSES);
  const forMs = (most: number): number => Math.round(Math.min(leftMs, chance.between(300, most)));
  return chance.weighted<() => PlannedEvent>([
    [4, () => ({ kind: 'kill', target, downMs: forMs(4_000) })],
    [2, () => ({ kind: 'terminate', target, downMs: forMs(3_000) })],
    [4, () => ({ kind: 'stop', target, forMs: forMs(target === 'server' || target === 'receiver' ? 5_000 : 16_000) })],
    [2, () => ({ kind: 'cut', link, share: chance.pick([0.3, 1]) })],
    [1, () => ({ kind: 'refuse', link, forMs: forMs(5_000) })],
    [1.5, () => ({ kind: 'stall', link, forMs: forMs(link === 'receiver' ? 6_000 : 14_000) })],
    [6, () => ({ kind: 'mood', mood: chance.pick(MOODS), share: chance.pick([0.1, 0.5, 1]), forMs: forMs(9_000) })],
    [1, () => ({ kind: 'full-disk', forMs: forMs(6_000) })],
    [
      1.5,
      () => ({
        kind: 'clock',
        target: chance.pick(WDS_PROCESSES),
        offsetSeconds: chance.pick([-3_600, -40, -3, 5, 60, 7_200]),
      }),
    ],
  ])();
}

function longStop(chance: Chance): TimedEvent {
  const target = chance.weighted<ProcessName>([
    [3, chance.pick(SENDERS)],
    [1, chance.pick(['files-1', 'files-2'] as const)],
    [0.5, chance.pick(['watcher-1', 'watcher-2'] as const)],
  ]);
  return {
    atMs: chance.between(2_000, FAULTS_MS - LONG_STOP_MS - 2_000),
    event: { kind: 'stop', target, forMs: LONG_STOP_MS },
  };
}

/** Hosts that die, one or both, and a service that fails for some seconds, about then and otherwise. */
function troublesOfHosts(chance: Chance): TimedEvent[] {
  const events: TimedEvent[] = [];
  const fault = (atMs: number): TimedEvent => {
    const forMs = Math.round(Math.min(FAULTS_MS - atMs, chance.between(300, 6_000)));
    return {
      atMs,
      event: { kind: 'store', fault: chance.pick(STORE_FAULTS), share: chance.pick([0.05, 0.3, 1]), forMs },
    };
  };
  for (let count = chance.whole(2, 4); count > 0; count--) {
    const atMs = chance.between(3_000, FAULTS_MS - 6_000);
    const hosts = chance.happens(0.4) ? HOSTS : [chance.pick(HOSTS)];
    events.push({ atMs, event: { kind: 'kill-hosts', hosts, downMs: Math.round(chance.between(300, 6_000)) } });
    if (chance.happens(0.5)) events.push(fault(Math.max(0, atMs - chance.between(0, 2_000))));
  }
  for (let count = chance.whole(2, 5); count > 0; count--) events.push(fault(chance.between(2_000, FAULTS_MS - 4_000)));
  return events;
}
