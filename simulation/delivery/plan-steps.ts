/** What happens in a schedule, and when: the steps of its people and its faults, by its theme. */
import type { Chance } from '../chance.ts';
import type { Step, Theme } from './plan.ts';

const CHUNK_SIZES = [3, 3, 3, 2, 5] as const;

export interface StepsOf {
  readonly theme: Theme;
  readonly files: number;
  readonly workers: number;
  readonly quietAtMs: number;
}

export function stepsOf(chance: Chance, { theme, files, workers, quietAtMs }: StepsOf): Step[] {
  const steps: Step[] = [];
  const soon = (): number => Math.round(chance.between(0, 6_000));
  const at = (): number => (chance.happens(0.6) ? soon() : Math.round(chance.between(0, quietAtMs)));
  const anyFile = (): number => chance.whole(0, files - 1);
  const anyWorker = (): number => chance.whole(0, workers - 1);
  for (let file = 0; file < files; file++) {
    const apart = theme === 'shared' && chance.happens(0.5) ? chance.pick([3_000, 20_000]) : 1_000;
    const atMs = Math.round(chance.between(0, apart));
    const home = chance.happens(0.2) ? 1 : 0;
    steps.push({ atMs, do: 'submit', file, chunkSize: chance.pick(CHUNK_SIZES), home });
    if (home === 1) steps.push({ atMs: atMs + 500, do: 'submit', file, chunkSize: 3, home: 0 });
  }
  const few = (): number =>
    chance.weighted([
      [2, 0],
      [3, 1],
      [3, 2],
      [2, 4],
    ] as const);
  for (let count = few(); count > 0; count--) steps.push(personStep(chance, anyFile(), at()));
  for (let count = few(); count > 0; count--) steps.push(faultStep(chance, anyWorker(), at()));
  for (let count = theme === 'anything' ? 0 : chance.whole(1, 3); count > 0; count--) {
    const file = anyFile();
    const worker = anyWorker();
    const atMs = soon();
    switch (theme) {
      case 'objects':
      case 'rounds': {
        // A process that hangs when a task is given out begins with it when others are long at work.
        const stopAtMs = chance.happens(0.5) ? Math.round(chance.between(0, 1_200)) : atMs;
        const forMs = Math.round(chance.pick([2_000, 10_000, 40_000]) * chance.next());
        steps.push({ atMs: stopAtMs, do: 'stop', worker, forMs });
        steps.push(...anotherTry(chance, file, stopAtMs + Math.round(chance.between(0, 1.5 * forMs))));
        break;
      }
      case 'mends': {
        const mendAtMs = Math.round(chance.between(500, quietAtMs));
        // Files that were dropped meanwhile have numbers after those of the start.
        const mended = { file: chance.whole(0, files + 1), otherUser: chance.happens(0.2), old: chance.happens(0.3) };
        steps.push({ atMs: mendAtMs, do: 'mend', ...mended, invalid: mendAtMs % 2 === 0 });
        if (chance.happens(0.5)) steps.push({ atMs: mendAtMs + Math.round(chance.between(0, 500)), do: 'retry', file });
        if (chance.happens(0.3)) steps.push(faultStep(chance, worker, mendAtMs + Math.round(chance.between(0, 500))));
        break;
      }
      case 'crowd': {
        const crowdAtMs = Math.round(chance.between(500, 8_000));
        for (let mends = chance.whole(2, 4); mends > 0; mends--) {
          const mendAtMs = crowdAtMs + Math.round(chance.pick([0, 20, 300]) * chance.next());
          steps.push({
            atMs: mendAtMs,
            do: 'mend',
            file: 0,
            otherUser: false,
            old: true,
            invalid: chance.happens(0.7),
          });
        }
        if (chance.happens(0.3)) steps.push(faultStep(chance, worker, crowdAtMs + Math.round(chance.between(0, 300))));
        break;
      }
      case 'folds':
      case 'neighbours': {
        const forMs = Math.round(chance.between(10_500, 25_000));
        const stopAtMs = Math.round(chance.between(1_500, 9_000));
        steps.push({ atMs: stopAtMs, do: 'stop', worker, forMs });
        if (chance.happens(0.5)) steps.push(...anotherTry(chance, file, stopAtMs + Math.round(forMs * chance.next())));
        break;
      }
      case 'homes':
        steps.push({ atMs, do: 'disk', trouble: 'gone', forMs: Math.round(chance.between(100, 20_000)) });
        steps.push({ atMs: at(), do: 'submit', file, chunkSize: chance.pick(CHUNK_SIZES), home: chance.whole(0, 1) });
        break;
      case 'shared': {
        // Files come while others are being sent, or after those have failed, and what failed is tried again.
        const laterMs = Math.round(chance.pick([500, 5_000, quietAtMs]) * chance.next());
        steps.push({ atMs: laterMs, do: 'submit', file: anyFile(), chunkSize: chance.pick(CHUNK_SIZES), home: 0 });
        if (chance.happens(0.5)) steps.push(faultStep(chance, worker, atMs, chance.happens(0.5) ? CRASHES : FAULTS));
        if (chance.happens(0.5))
          steps.push(...anotherTry(chance, file, Math.round(chance.between(0, laterMs + 5_000))));
        if (chance.happens(0.2)) {
          // What was sent last is lost, and nobody goes on with it but the next file.
          const lossAtMs = Math.round(chance.between(150, 2_000));
          steps.push({ atMs: lossAtMs, do: 'power-loss', backAfterMs: 200 });
          steps.push({ atMs: lossAtMs + Math.round(chance.between(0, 300)), do: 'cancel', file });
        }
        break;
      }
      case 'silence':
        steps.push({ atMs: at(), do: chance.pick(['retry', 'retry-unconfirmed']), file });
        break;
      default:
        steps.push(faultStep(chance, worker, atMs, CRASHES));
        if (chance.happens(0.5)) {
          const lossAtMs = Math.round(quietAtMs * chance.between(0.2, 0.99));
          steps.push({ atMs: lossAtMs, do: 'power-loss', backAfterMs: 1_000 });
        }
    }
  }
  // A mended row says something else: whether that user got what the others say is told by the other themes.
  const meant = (step: Step): boolean => step.atMs < quietAtMs && !(theme === 'shared' && step.do === 'mend');
  return steps.filter(meant).sort((a, b) => a.atMs - b.atMs);
}

/** The run is ended, one way or another, and a new try begins. */
function anotherTry(chance: Chance, file: number, atMs: number): Step[] {
  if (chance.happens(0.4)) return [{ atMs, do: 'reset', file, part: chance.happens(0.6) ? 0 : chance.next() }];
  const again = chance.pick(['retry', 'retry', 'retry-unconfirmed'] as const);
  const againAtMs = atMs + Math.round(chance.between(20, 2_000));
  return [
    { atMs, do: chance.pick(['terminate', 'cancel']), file },
    { atMs: againAtMs, do: again, file },
  ];
}

const FAULTS = [
  [3, 'kill'],
  [3, 'kill-at-call'],
  [5, 'stop'],
  [1, 'term'],
  [2, 'clock'],
  [1, 'power-loss'],
  [1, 'disk'],
  [1, 'server-cut'],
] as const;
const CRASHES = [
  [2, 'kill'],
  [6, 'kill-at-call'],
  [2, 'power-loss'],
] as const;

const perhapsDying = (chance: Chance): { diesAtCall?: number } =>
  chance.happens(0.15) ? { diesAtCall: chance.whole(1, 12) } : {};

function personStep(chance: Chance, file: number, atMs: number): Step {
  const action = chance.weighted([
    [3, 'submit'],
    [3, 'retry'],
    [2, 'retry-unconfirmed'],
    [1, 'cancel'],
    [1, 'terminate'],
    [1, 'reset'],
    [2, 'pause'],
    [2, 'resume'],
    [2, 'mend'],
    [1, 'forget'],
    [1, 'policy'],
  ] as const);
  switch (action) {
    case 'submit': {
      const home = chance.happens(0.2) ? 1 : 0;
      return { atMs, do: action, file, chunkSize: chance.pick(CHUNK_SIZES), home, ...perhapsDying(chance) };
    }
    case 'retry':
    case 'retry-unconfirmed':
      return { atMs, do: action, file, ...perhapsDying(chance) };
    case 'reset':
      return { atMs, do: action, file, part: chance.happens(0.6) ? 0 : chance.next() };
    case 'mend':
      return {
        atMs,
        do: action,
        file,
        otherUser: chance.happens(0.2),
        old: chance.happens(0.3),
        invalid: atMs % 2 === 0,
      };
    case 'policy':
      return { atMs, do: action, policy: chance.pick(['hold', 'resend']) };
    default:
      return { atMs, do: action, file };
  }
}

function faultStep(
  chance: Chance,
  worker: number,
  atMs: number,
  faults: readonly (readonly [number, (typeof FAULTS)[number][1]])[] = FAULTS,
): Step {
  const backAfterMs = Math.round(chance.pick([100, 2_000, 15_000]) * chance.between(0.5, 1.5));
  const forMs = Math.round(chance.pick([300, 3_000, 12_000, 30_000]) * chance.between(0.5, 1.5));
  const fault = chance.weighted(faults);
  switch (fault) {
    case 'kill':
    case 'term':
      return { atMs, do: fault, worker, backAfterMs };
    case 'kill-at-call':
      return { atMs, do: fault, worker, calls: chance.whole(1, 60), backAfterMs };
    case 'stop':
    case 'server-cut':
      return { atMs, do: fault, worker, forMs };
    case 'clock':
      return { atMs, do: fault, worker, aheadMs: chance.pick([-3_600_000, -5_000, -900, 900, 5_000, 3_600_000]) };
    case 'power-loss':
      return { atMs, do: fault, backAfterMs };
    case 'disk':
      return { atMs, do: fault, trouble: chance.pick(['full', 'failing', 'gone']), forMs };
  }
}
