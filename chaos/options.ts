/** The flags of the command, and the rounds that they ask for. Pure. */
import { parseArgs } from 'node:util';
import type { AmbiguousPolicy } from '../src/domain/endpoint.ts';
import type { Rate, StoreKind } from './plan.ts';
import { STORES } from './plan.ts';
import type { RoundChoice } from './schedule.ts';

const POLICIES = ['hold', 'resend'] as const satisfies readonly AmbiguousPolicy[];
const RATES = ['unlimited', 200, 'auto'] as const satisfies readonly Rate[];
const DEFAULT_MINUTES = 3;

export const USAGE = `npm run chaos -- [--seed N] [--minutes M | --rounds R] [--policy hold|resend] [--rate unlimited|auto|N] [--store folder|bucket] [--folder DIR]

  --seed N       of the first round; the next ones count up (default: from the time)
  --minutes M    begin no further round after M minutes (default: ${DEFAULT_MINUTES})
  --rounds R     this many rounds instead
  --policy P     hold or resend (default: by turns)
  --rate R       requests a second, auto or unlimited (default: unlimited, 200 and auto by turns)
  --store S      folder: all on one host; bucket: two hosts, with one bucket for store and inbox (default: folder)
  --folder DIR   where the rounds run (default: a temporary folder)
  --plan         print the plans and do nothing`;

export interface ChaosOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly rounds: number;
  readonly folder: string | undefined;
  readonly planOnly: boolean;
  readonly policy: AmbiguousPolicy | undefined;
  readonly rate: Rate | undefined;
  readonly store: StoreKind;
}

/** Throws an Error whose message is for the person who typed them. `nowMs` gives the seed where none is named. */
export function readOptions(args: readonly string[], nowMs: number): ChaosOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      minutes: { type: 'string' },
      rounds: { type: 'string' },
      policy: { type: 'string' },
      rate: { type: 'string' },
      store: { type: 'string' },
      folder: { type: 'string' },
      plan: { type: 'boolean' },
    },
  });
  const rounds = numberOf('rounds', values.rounds);
  return {
    seed: numberOf('seed', values.seed) ?? Math.floor(nowMs / 1_000) % 1_000_000,
    minutes: rounds === undefined ? (numberOf('minutes', values.minutes) ?? DEFAULT_MINUTES) : Number.POSITIVE_INFINITY,
    rounds: rounds ?? Number.POSITIVE_INFINITY,
    folder: values.folder,
    planOnly: values.plan === true,
    policy: oneOf('policy', POLICIES, values.policy),
    rate: readRate(values.rate),
    store: oneOf('store', STORES, values.store) ?? 'folder',
  };
}

/** Policy and rate follow from the seed, so that one number repeats a round. */
export function choiceOf(
  { policy, rate, store }: Pick<ChaosOptions, 'policy' | 'rate' | 'store'>,
  seed: number,
): RoundChoice {
  return {
    seed,
    policy: policy ?? POLICIES[seed % POLICIES.length]!,
    rate: rate ?? RATES[Math.floor(seed / POLICIES.length) % RATES.length]!,
    store,
  };
}

export const repeatLine = ({ seed, policy, rate, store }: RoundChoice): string =>
  `npm run chaos -- --seed ${seed} --rounds 1 --policy ${policy} --rate ${rate}${store === 'folder' ? '' : ` --store ${store}`}`;

function numberOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,9}(\.[0-9]+)?$/.test(text)) throw new Error(`--${name} ${text}: a number is expected`);
  return Number(text);
}

function oneOf<T extends string>(name: string, values: readonly T[], text: string | undefined): T | undefined {
  if (text === undefined) return undefined;
  const found = values.find((value) => value === text);
  if (found === undefined) throw new Error(`--${name} ${text}: ${values.join(' or ')} is expected`);
  return found;
}

function readRate(text: string | undefined): Rate | undefined {
  if (text === 'auto' || text === 'unlimited') return text;
  return numberOf('rate', text);
}
