/**
 * Makes plans from seeds. Each is about something (its theme), so that faults meet; the rest is chance: few people and few faults in most, many
 * in some.
 */
import type { AmbiguousPolicy } from '../../src/domain/endpoint.ts';
import type { Schedule } from '../../src/domain/restraint/schedule.ts';
import { Chance } from '../chance.ts';
import type { ListedTime, Noise, Plan, Theme } from './plan.ts';
import { THEMES, userOf } from './plan.ts';
import { stepsOf } from './plan-steps.ts';
import type { Mood, MoodChange, UserKind } from './receiver.ts';
import { MOODS } from './receiver.ts';
import { EPOCH_MS } from './sim-process.ts';

/** Without a theme any is chosen. */
export function planOf(seed: number, onlyTheme?: Theme): Plan {
  const plan = draw(seed, onlyTheme);
  return { ...plan, maxHistoryEvents: Math.max(plan.maxHistoryEvents, leastHistory(plan)) };
}

/** A run begins with an activity for each stubborn alert that it goes on with. One that may not be longer than that would never come to anything. */
const leastHistory = ({ maxStubborn, files }: Plan): number => 5 + 3 * Math.min(maxStubborn, Math.max(...files));

function draw(seed: number, onlyTheme: Theme | undefined): Plan {
  const chance = new Chance(seed).fork('plan');
  const anyTheme = chance.weighted(
    THEMES.filter((one) => one !== 'shared' && one !== 'crowd').map(
      (one) => [one === 'neighbours' || one === 'homes' ? 1 : 3, one] as const,
    ),
  );
  const once = new Chance(seed).fork('once');
  const ownTheme = once.happens(0.1) ? 'shared' : undefined;
  const crowd = new Chance(seed).fork('crowd').happens(0.05) ? 'crowd' : undefined;
  const theme = onlyTheme ?? ownTheme ?? crowd ?? anyTheme;
  const shared = theme === 'shared';
  const policy: AmbiguousPolicy = chance.happens(0.5) ? 'hold' : 'resend';
  const more = shared ? once.whole(1, 2) : 0;
  const files = Array.from(
    {
      length:
        more +
        chance.weighted([
          [6, 1],
          [2, 2],
        ] as const),
    },
    () => chance.whole(1, 7),
  );
  const workers = chance.weighted([
    [2, 1],
    [5, 2],
    [2, 3],
  ] as const);
  const quietAtMs = chance.pick([20_000, 60_000, 120_000]);
  const plan: Plan = {
    seed,
    policy,
    once: shared || once.happens(0.15),
    shared,
    receipts: theme === 'objects' || (theme !== 'folds' && chance.happens(0.1)) ? 'objects' : 'folder',
    homes: chance.happens(theme === 'homes' ? 0.6 : 0.1) ? 2 : 1,
    files,
    workers,
    apart: chance.happens(0.3),
    timeoutMs: chance.pick([1_000, 2_000, 4_000]),
    ratePerSecond: chance.happens(theme === 'rounds' ? 0.6 : 0.25) ? chance.pick([1, 2, 10, 50]) : undefined,
    maxConnections: chance.pick([1, 2, 4]),
    batchSize: chance.pick([1, 2, 5, 10]),
    parallelChunks: chance.whole(1, 3),
    maxStubborn: chance.pick([0, 1, 2, 10]),
    maxHistoryEvents: chance.weighted([
      [3, 10_000],
      [1, chance.whole(15, 60)],
    ]),
    maximumAttempts: chance.pick([1, 2, 4, 10]),
    giveUpAfterMs: chance.weighted([
      [1, 10_000],
      [3, 3_600_000],
    ]),
    foldFrom: chance.pick([2, 2, 4, 24]),
    kinds: kindsOf(chance, files, theme),
    moods: moodsOf(chance, quietAtMs, theme),
    ...listOf(new Chance(seed).fork('list'), files, quietAtMs),
    schedule: scheduleOf(new Chance(seed).fork('times')),
    noise: noiseOf(chance),
    steps: stepsOf(chance, { theme, files: files.length, workers, quietAtMs }),
    lastRetry: chance.happens(0.5),
    quietAtMs,
  };
  // Files wait for one another, and what one gives up the next one tries.
  if (shared) return { ...plan, giveUpAfterMs: Math.min(plan.giveUpAfterMs, 600_000) };
  if (theme === 'folds')
    return { ...amongNeighbours(plan, chance), ...FOLDING, noise: { ...plan.noise, storeStalls: 0.1 } };
  if (theme === 'crowd') return inACrowd(plan, chance);
  return theme === 'neighbours' ? amongNeighbours(plan, chance) : plan;
}

/** Many short attempts, and a store at which some take long to begin. */
const FOLDING = { foldFrom: 2, ratePerSecond: undefined, workers: 3 } as const;

/** Rows that are refused, and rows that are none, in a file small enough that all has been tried when the crowd comes. */
function inACrowd(plan: Plan, chance: Chance): Plan {
  const rows = chance.pick([3, 6]);
  const kinds = Object.fromEntries(Array.from({ length: rows }, (_, row) => [userOf(0, row), 'moody'] as const));
  return { ...plan, files: [rows], kinds, moods: [], ratePerSecond: undefined, maximumAttempts: 2 };
}

/** Two batches and more in a chunk, alerts that are handed over, and a pace at which a worker is caught in the middle of its batch. */
function amongNeighbours(plan: Plan, chance: Chance): Plan {
  const steps = plan.steps.map((step) => (step.do === 'submit' ? { ...step, chunkSize: 5 } : step));
  const kinds = { ...plan.kinds, [userOf(0, 0)]: 'failing', [userOf(0, chance.whole(1, 2))]: 'failing' } as const;
  return {
    ...plan,
    ...{
      files: [chance.whole(4, 7)],
      steps,
      kinds,
      moods: [],
      workers: 2,
      batchSize: 2,
      foldFrom: chance.pick([3, 24]),
    },
    ...{ maxStubborn: 10, maximumAttempts: 10, maxConnections: 1, ratePerSecond: chance.pick([1, 2]) },
    quietAtMs: 60_000,
  };
}

const KINDS = ['rejected', 'rejected', 'failing', 'silent', 'late', 'moody'] as const;
const CRASHING_KINDS = ['limited', 'limited', 'rejected', 'silent', 'moody'] as const;

function kindsOf(chance: Chance, files: readonly number[], theme: Theme): Record<string, UserKind> {
  const kinds: Record<string, UserKind> = {};
  const share = theme === 'mends' ? 0.6 : chance.happens(0.5) ? 0 : 0.25;
  files.forEach((rows, file) => {
    for (let row = 0; row < rows; row++) {
      const kind = chance.pick(theme === 'crashes' ? CRASHING_KINDS : KINDS);
      if (chance.happens(share)) kinds[userOf(file, row)] = kind;
    }
  });
  return kinds;
}

/** In most plans nobody is on the suppression list; who is there from the start stays. */
function listOf(chance: Chance, files: readonly number[], quietAtMs: number): Pick<Plan, 'listed' | 'listGone'> {
  const listed: Record<string, ListedTime> = {};
  if (!chance.happens(0.3)) return { listed, listGone: undefined };
  files.forEach((rows, file) => {
    for (let row = 0; row < rows; row++) {
      if (!chance.happens(0.35)) continue;
      const fromMs = chance.happens(0.4) ? 0 : Math.round(chance.between(0, quietAtMs));
      const leaves = fromMs > 0 && chance.happens(0.5);
      const toMs = leaves ? fromMs + Math.round(chance.between(0, quietAtMs)) : Number.MAX_SAFE_INTEGER;
      listed[userOf(file, row)] = { fromMs, toMs };
    }
  });
  const fromMs = Math.round(chance.between(0, quietAtMs / 2));
  const gone = { fromMs, toMs: fromMs + Math.round(chance.between(0, quietAtMs / 2)) };
  return { listed, listGone: chance.happens(0.3) ? gone : undefined };
}

/** In some plans files wait for their time, which ends while they are sent, and comes again, or does not. */
function scheduleOf(chance: Chance): Schedule | undefined {
  if (!chance.happens(0.2)) return undefined;
  const minute = Math.floor((EPOCH_MS % (24 * 3_600_000)) / 60_000);
  const at = (least: number, most: number): number => EPOCH_MS + Math.round(chance.between(least, most));
  const closes = minute + chance.whole(1, 2);
  const window = { from: closes + chance.whole(1, 2), to: closes, zone: 'UTC' };
  return {
    ...(chance.happens(0.3) ? { notBeforeMs: at(0, 2_000) } : {}),
    ...(chance.happens(0.6) ? { notAfterMs: at(2_001, chance.pick([10_000, 300_000])) } : {}),
    ...(chance.happens(0.6) ? { window } : {}),
  };
}

const SILENT_MOODS: readonly Mood[] = ['hanging', 'slow', 'garbled', 'resetting', 'flaky', 'well'];

function moodsOf(chance: Chance, quietAtMs: number, theme: Theme): MoodChange[] {
  const moods: MoodChange[] = [];
  if (theme !== 'silence' && chance.happens(0.25)) return moods;
  const kinds = theme === 'silence' ? SILENT_MOODS : chance.happens(0.4) ? (['flaky'] as const) : MOODS;
  let atMs = chance.happens(0.5) ? 0 : chance.between(0, quietAtMs / 4);
  for (let count = chance.whole(1, 5); count > 0 && atMs < quietAtMs; count--) {
    moods.push({ atMs: Math.round(atMs), mood: chance.pick(kinds) });
    atMs += chance.between(1_000, quietAtMs / 2);
  }
  return moods;
}

function noiseOf(chance: Chance): Noise {
  const level = chance.pick([0, 0.3, 1]);
  const share = (most: number): number => (chance.happens(0.5) ? level * chance.between(0, most) : 0);
  return {
    storeStalls: share(0.05),
    failingObjects: share(0.1),
    lateRequests: share(0.1),
    lostRequests: share(0.1),
    lostTasks: share(0.1),
    doubledTasks: share(0.05),
    lostCompletions: share(0.1),
    lostHeartbeats: share(0.2),
    workflowStalls: share(0.05),
  };
}
