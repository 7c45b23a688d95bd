/**
 * Refusals that have nothing to do with the rate: one of several hosts behind the endpoint refuses, or a user has a limit of his own. Slower
 * sending does not help against these, and whoever slows down at each of them ends at nothing.
 *
 * What tells them apart: a limit that has just refused has nothing left, so what it takes from one refusal to the next is at most its rate.
 * The rate is therefore at least what was taken over several of such gaps. If requests are refused though they come at a far lower pace, and
 * others between them are taken, the limit is none: from then on a refusal concerns its own alert only, as long as the part of refusals
 * stays about what it was. Pure.
 */

import { mostOf } from './stray-guard.ts';

export interface Stray {
  /** The last refusals after which something was taken, oldest first. */
  readonly gaps: readonly Gap[];
  /** Requests taken since the last one. */
  readonly taken: number;
  /** When the first one was taken. Absent: none was. */
  readonly sinceMs?: number;
  /** The highest average over a few gaps, and when it was seen. */
  readonly provenPerSecond: number;
  readonly provenMs: number;
  /** Refusals lately that no limit explains, for the pace was below what was taken before; some count less than one. */
  readonly denials: number;
  /** Explanations in a row that would hold it far below that. */
  readonly doubted?: number;
  /** A pace that was kept for long without any refusal, and until when that is remembered. */
  readonly sustainedPerSecond?: number;
  readonly sustainedUntilMs?: number;
  /** Refusals are strays. Absent: they are not, as far as is known. */
  readonly verdict?: StrayVerdict;
  /** It was wrong the last time: no new verdict before, for twice as long each time. */
  readonly barredUntilMs?: number;
  readonly barredMs?: number;
}

interface Gap {
  readonly atMs: number;
  /** Requests taken since the refusal before; some of them may have been taken so much earlier. */
  readonly taken: number;
  readonly lateMs: number;
}

interface StrayVerdict {
  /** Of all requests, when it was found. */
  readonly share: number;
  readonly provenPerSecond: number;
  /** Since it was last looked at. */
  readonly taken: number;
  readonly refused: number;
}

const KEPT_GAPS = 6;
/** An average is of so many. */
const GAPS = 3;
const PROVEN_FOR_MS = 600_000;
/** Windows of the receiver may meet in the gaps: up to half as much again. */
const FAR_BELOW = 0.6;
/** Of what was taken on average over the gaps before: a limit that was met there is not met here. Neighbours may move it a little. */
const JUST_BELOW = 0.98;
const OF_JUST = 0.75;
/** One that a limit may explain. */
const OF_MET = 0.5;
/** So much is a verdict, and so many explanations of the like are one to be believed. */
const DENIALS = 3;
/** Of what was taken: an explanation that allows less is doubted. */
const DOUBTFUL = 0.3;
/** Without any refusal. */
const SUSTAINED_MS = 30_000;
const REMEMBERED_MS = 600_000;
/** The part of refusals is looked at after so many requests. */
const LOOK = 30;
/** And, where it is much smaller than it was, or to be taken for the new one, after so many. */
const MANY = 300;
const SHRUNK = 0.2;
/** Than what was proven: a pace at which there may be a limit, too. */
const FASTER = 1.5;
const BARRED_MS = 60_000;
const LONGEST_BARRED_MS = 900_000;

export const NO_STRAY: Stray = { gaps: [], taken: 0, provenPerSecond: 0, provenMs: 0, denials: 0 };

/** Requests were taken, whoever sent them. */
export const strayTook = (stray: Stray, taken: number, nowMs: number): Stray =>
  taken === 0 ? stray : { ...stray, taken: stray.taken + taken, sinceMs: stray.sinceMs ?? nowMs };

/**
 * A refusal at a total of `pacePerSecond`, after which workers slowed down. `lateMs`: what was taken may have been told so late, by one of several
 * workers, and belong to a gap before.
 */
export function strayRefused(before: Stray, pacePerSecond: number, lateMs: number, atMs: number): Stray {
  // It refuses on: nothing was taken in between.
  if (before.taken === 0) return before;
  const gap = { atMs, taken: before.taken, lateMs };
  const gaps = [...before.gaps, gap].slice(-KEPT_GAPS);
  const stray: Stray = { ...before, gaps, taken: 0, ...sustained(before, gap) };
  const provenBefore = provenAt(before, atMs);
  const far = pacePerSecond < FAR_BELOW * provenBefore;
  const just = pacePerSecond < JUST_BELOW * (averageOf(before.gaps) ?? 0);
  const denials = far ? before.denials + 1 : just ? before.denials + OF_JUST : Math.max(0, before.denials - OF_MET);
  const average = averageOf(gaps);
  const proven = average !== undefined && average > provenBefore ? { provenPerSecond: average, provenMs: atMs } : {};
  const after = { ...stray, ...proven, denials };
  if (denials < DENIALS || atMs < (before.barredUntilMs ?? 0)) return after;
  const taken = gaps.reduce((sum, each) => sum + each.taken, 0);
  const share = gaps.length / (taken + gaps.length);
  return { ...after, denials: 0, verdict: { share, provenPerSecond: after.provenPerSecond, taken: 0, refused: 0 } };
}

/** Whether an explanation that allows `perSecond` is to wait for others of the like, since far more was taken not long ago. */
export function strayDoubts(stray: Stray, perSecond: number, nowMs: number): boolean {
  const taken = Math.max(provenAt(stray, nowMs), sustainedPerSecond(stray, nowMs));
  return perSecond < DOUBTFUL * taken && (stray.doubted ?? 0) < DENIALS;
}

/** What the limit is at least, as far as that is known at `atMs`; 0: it is not. */
const provenAt = ({ provenMs, provenPerSecond }: Stray, atMs: number): number =>
  atMs - provenMs < PROVEN_FOR_MS ? provenPerSecond : 0;

/** Over the last gaps. undefined: there are too few. */
function averageOf(gaps: readonly Gap[]): number | undefined {
  const [first, ...rest] = gaps.slice(-GAPS - 1);
  if (first === undefined || rest.length < GAPS) return undefined;
  const lateMs = Math.max(...rest.map((gap) => gap.lateMs));
  const elapsedMs = Math.max(1, rest.at(-1)!.atMs - first.atMs + lateMs);
  return (rest.reduce((sum, { taken }) => sum + taken, 0) * 1_000) / elapsedMs;
}

function sustained(before: Stray, gap: Gap): Partial<Stray> {
  const elapsedMs = gap.atMs - (before.gaps.at(-1)?.atMs ?? before.sinceMs ?? gap.atMs);
  if (elapsedMs < SUSTAINED_MS) return {};
  const perSecond = (gap.taken * 1_000) / elapsedMs;
  const isRemembered = gap.atMs < (before.sustainedUntilMs ?? 0);
  if (isRemembered && perSecond < (before.sustainedPerSecond ?? 0)) return {};
  return { sustainedPerSecond: perSecond, sustainedUntilMs: gap.atMs + REMEMBERED_MS };
}

/** What a pace that went well for long says of the limit at `atMs`; 0: nothing. */
export const sustainedPerSecond = (stray: Stray | undefined, atMs: number): number =>
  stray !== undefined && atMs < (stray.sustainedUntilMs ?? 0) ? (stray.sustainedPerSecond ?? 0) : 0;

/** Nothing is known but what went well for long. */
function anew({ sustainedPerSecond, sustainedUntilMs }: Stray): Stray {
  if (sustainedPerSecond === undefined || sustainedUntilMs === undefined) return NO_STRAY;
  return { ...NO_STRAY, sustainedPerSecond, sustainedUntilMs };
}

export type StrayLook =
  | { readonly kind: 'on'; readonly stray: Stray }
  /** Slower: more is refused at this pace than at the lower one. */
  | { readonly kind: 'cut'; readonly stray: Stray }
  | { readonly kind: 'over'; readonly stray: Stray };

/**
 * While refusals are taken for strays: what was taken and refused since the last report, at a total of `pacePerSecond`. `braked`: so many came in
 * a row that the worker stopped.
 */
export function strayLook(
  stray: Stray,
  verdict: StrayVerdict,
  seen: { readonly taken: number; readonly refused: number; readonly pacePerSecond: number; readonly braked: boolean },
  nowMs: number,
): StrayLook {
  const taken = verdict.taken + seen.taken;
  const refused = verdict.refused + seen.refused;
  const all = taken + refused;
  const again = (next: StrayVerdict): Stray => ({ ...stray, verdict: next });
  const counted = again({ ...verdict, taken, refused });
  if (all < LOOK && !seen.braked) return { kind: 'on', stray: counted };
  const share = refused / all;
  const fresh = { ...verdict, taken: 0, refused: 0 };
  if (seen.braked || share > mostOf(verdict.share)) {
    if (seen.pacePerSecond > FASTER * verdict.provenPerSecond) return { kind: 'cut', stray: again(fresh) };
    const barredMs = Math.min(LONGEST_BARRED_MS, 2 * (stray.barredMs ?? BARRED_MS / 2));
    return { kind: 'over', stray: { ...anew(stray), barredMs, barredUntilMs: nowMs + barredMs } };
  }
  if (all < MANY) return { kind: 'on', stray: counted };
  return share < SHRUNK * verdict.share
    ? { kind: 'over', stray: anew(stray) }
    : { kind: 'on', stray: again({ ...fresh, share: (verdict.share + share) / 2 }) };
}
