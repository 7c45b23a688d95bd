/**
 * From a seed to the plan of a round. Faults come in clusters, because single ones are survived: what breaks a guarantee is the meeting of
 * two. Pure: the same seed, policy and rate give the same plan.
 */
import type { AmbiguousPolicy } from '../src/domain/endpoint.ts';
import { Dice } from './dice.ts';
import type { FilePlan, LinkName, PlannedEvent, ProcessName, Rate, RoundPlan, TimedEvent } from './plan.ts';
import { MENDS, MOODS, ORDERS, WDS_PROCESSES } from './plan.ts';

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

export interface RoundChoice {
  readonly seed: number;
  readonly policy: AmbiguousPolicy;
  readonly rate: Rate;
}

export function planRound({ seed, policy, rate }: RoundChoice): RoundPlan {
  const dice = new Dice(seed);
  const files = Array.from({ length: dice.whole(8, 12) }, (_, at) => planFile(dice, at));
  const events = [
    ...drops(dice, files),
    ...orders(dice),
    ...faults(dice),
    ...(dice.chance(0.5) ? [longStop(dice)] : []),
  ];
  const latencyMs = dice.pick([20, 100, 300, 600]);
  return {
    seed,
    policy,
    rate,
    faultsMs: FAULTS_MS,
    receiver: {
      latencyMs,
      limitPerSecond: rate === 'auto' ? dice.pick([80, 200]) : undefined,
    },
    settings: {
      maxConnections: dice.pick(CONNECTIONS.filter((count) => (2 * count * 1_000) / latencyMs >= LEAST_PER_SECOND)),
      maximumAttempts: dice.pick([2, 4, 8, 20]),
      batchSize: dice.chance(0.3) ? dice.pick([5, 50, 300]) : undefined,
      maxStubborn: dice.pick([2, 10, 100]),
      maxHistoryEvents: dice.chance(0.3) ? dice.pick([100, 200]) : 8_000,
    },
    files,
    events: events
      .map(({ atMs, event }) => ({ atMs: Math.round(atMs), event }))
      .sort((one, other) => one.atMs - other.atMs),
  };
}

function planFile(dice: Dice, at: number): FilePlan {
  const rows = dice.weighted([
    [2, dice.whole(1, 5)],
    [3, dice.whole(20, 150)],
    [3, dice.whole(200, 700)],
    [1, dice.whole(1_000, 3_000)],
  ]);
  const some = (share: number, most: number): number => (dice.chance(share) ? dice.whole(1, Math.min(most, rows)) : 0);
  const format = dice.weighted([
    [3, 'csv'],
    [1, 'ndjson'],
    [1, 'json'],
  ] as const);
  const gzip = dice.chance(0.25);
  return {
    name: `f${at}.${format}${gzip ? '.gz' : ''}`,
    format,
    gzip,
    rows,
    refused: some(0.6, 6),
    stubborn: some(0.5, 8),
    invalid: rows >= 20 ? some(0.2, 2) : 0,
    duplicates: some(0.3, 4),
    seed: dice.whole(1, 2 ** 31),
  };
}

/** Every file once, early ones first; some of them again under other names, from the command line, or mended. */
function drops(dice: Dice, files: readonly FilePlan[]): TimedEvent[] {
  const events: TimedEvent[] = [];
  files.forEach(({ name }, file) => {
    // Two wait for nothing: something is on its way from the first fault on.
    const atMs = file < 2 ? 0 : dice.between(0, LAST_DROP_MS);
    events.push({ atMs, event: { kind: 'drop', file, as: name, slowly: dice.chance(0.2) } });
    for (let again = 1; dice.chance(0.4) && again <= 3; again++) {
      const as = `again-${again}-${name}`;
      events.push({ atMs: dice.between(atMs, LAST_DROP_MS + 5_000), event: { kind: 'drop', file, as, slowly: false } });
    }
    if (dice.chance(0.3)) {
      const rate: Rate = dice.pick([20, 100, 4_000, 'auto', 'unlimited']);
      events.push({ atMs: Math.max(0, atMs + dice.between(-500, 3_000)), event: { kind: 'submit', file, rate } });
    }
  });
  for (let count = dice.whole(3, 6); count > 0; count--) {
    const event: PlannedEvent = { kind: 'mend', file: dice.whole(0, 99), way: dice.pick(MENDS) };
    const atMs = dice.between(8_000, LAST_DROP_MS + 5_000);
    events.push({ atMs, event });
    // Mended twice: the second editor is not long after the first.
    if (dice.chance(0.6)) events.push({ atMs: atMs + dice.between(200, 5_000), event: { ...event, way: 'line-ends' } });
  }
  return events;
}

function orders(dice: Dice): TimedEvent[] {
  return Array.from({ length: dice.whole(4, 9) }, () => {
    const order = dice.pick(ORDERS);
    return {
      atMs: dice.between(3_000, FAULTS_MS - 2_000),
      event: { kind: 'order', order, file: dice.whole(0, 99) } as const,
    };
  });
}

function faults(dice: Dice): TimedEvent[] {
  const events: TimedEvent[] = [];
  for (let cluster = 0; cluster < CLUSTERS; cluster++) {
    const centreMs = dice.between(1_000, FAULTS_MS - 4_000);
    for (let count = dice.whole(1, 4); count > 0; count--) {
      const atMs = centreMs + dice.between(0, CLUSTER_WIDTH_MS);
      events.push({ atMs, event: oneFault(dice, FAULTS_MS - atMs) });
    }
  }
  return events;
}

function oneFault(dice: Dice, leftMs: number): PlannedEvent {
  const target = dice.weighted<ProcessName>([
    [6, dice.pick(SENDERS)],
    [3, dice.pick(['files-1', 'files-2'] as const)],
    [2, dice.pick(['watcher-1', 'watcher-2'] as const)],
    [1.5, 'server'],
    [1.5, 'receiver'],
  ]);
  const link: LinkName = dice.chance(0.5) ? 'receiver' : dice.pick(WDS_PROCESSES);
  const forMs = (most: number): number => Math.round(Math.min(leftMs, dice.between(300, most)));
  return dice.weighted<() => PlannedEvent>([
    [4, () => ({ kind: 'kill', target, downMs: forMs(4_000) })],
    [2, () => ({ kind: 'terminate', target, downMs: forMs(3_000) })],
    [4, () => ({ kind: 'stop', target, forMs: forMs(target === 'server' || target === 'receiver' ? 5_000 : 16_000) })],
    [2, () => ({ kind: 'cut', link, share: dice.pick([0.3, 1]) })],
    [1, () => ({ kind: 'refuse', link, forMs: forMs(5_000) })],
    [1.5, () => ({ kind: 'stall', link, forMs: forMs(link === 'receiver' ? 6_000 : 14_000) })],
    [6, () => ({ kind: 'mood', mood: dice.pick(MOODS), share: dice.pick([0.1, 0.5, 1]), forMs: forMs(9_000) })],
    [1, () => ({ kind: 'full-disk', forMs: forMs(6_000) })],
    [
      1.5,
      () => ({
        kind: 'clock',
        target: dice.pick(WDS_PROCESSES),
        offsetSeconds: dice.pick([-3_600, -40, -3, 5, 60, 7_200]),
      }),
    ],
  ])();
}

function longStop(dice: Dice): TimedEvent {
  const target = dice.weighted<ProcessName>([
    [3, dice.pick(SENDERS)],
    [1, dice.pick(['files-1', 'files-2'] as const)],
    [0.5, dice.pick(['watcher-1', 'watcher-2'] as const)],
  ]);
  return {
    atMs: dice.between(2_000, FAULTS_MS - LONG_STOP_MS - 2_000),
    event: { kind: 'stop', target, forMs: LONG_STOP_MS },
  };
}
