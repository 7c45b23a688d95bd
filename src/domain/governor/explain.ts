/**
 * Which limit explains what was seen of it: so many requests in such a window. Each length of a window is held against all episodes at once:
 * how many requests were taken in one before it refused, whether ever more were taken without a refusal, and whether it refused for as long as
 * such a window would. Round numbers are likelier. Pure.
 */
import type { Episode } from './episodes.ts';

export interface WindowLimit {
  readonly quota: number;
  readonly windowMs: number;
}

/** How likely a window is of this length, in seconds, before anything was seen. */
const WINDOWS: readonly (readonly [seconds: number, weight: number])[] = [
  [1, 1],
  [2, 0.3],
  [5, 0.15],
  [10, 0.5],
  [15, 0.05],
  [30, 0.1],
  [60, 0.8],
  [300, 0.1],
  [600, 0.05],
  [900, 0.05],
  [3_600, 0.4],
  [86_400, 0.1],
];
/** Refused for longer than the window: a penalty. */
const PENALTY = 0.05;
/** Usual ones. */
const PENALTIES_MS = [30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 3_600_000];
const OWN = 0.5;
const FIXED = 0.4;
/** Of explanations that are about as good the one that lets more through is tried: an unused limit shows itself only slowly. */
const ABOUT_AS_GOOD = 0.35;
/** Seen more than once. */
const AS_GOOD = 0.7;
/** An explanation needs at least so much: below it the rate is felt for. */
const LEAST = 1e-5;

const LEADING = new Map([
  [1, 1],
  [2, 1],
  [5, 1],
  [3, 0.5],
  [4, 0.5],
  [6, 0.7],
  [8, 0.4],
  [1.5, 0.5],
  [1.2, 0.5],
  [2.5, 0.5],
  [9, 0.2],
  [7, 0.2],
  [7.5, 0.2],
]);
const NOT_ROUND = 0.08;
const EVEN = 0.8;
/** Messages take their time. */
const INEXACT_MS = 10;
/** Two of a receiver's windows may meet within one of such length, but never three. */
const MOST_QUOTAS = 2.1;

/** 0 … 1: how likely somebody is to have chosen this number. */
export function roundness(value: number): number {
  const leading = value / 10 ** Math.floor(Math.log10(value) + 1e-9);
  for (const [each, weight] of LEADING) if (Math.abs(leading - each) < 1e-6) return weight;
  return NOT_ROUND;
}

/** The roundest whole number between, or undefined where none is rounder than others. */
export function roundest(least: number, most: number): number | undefined {
  let best: number | undefined;
  for (let scale = 10 ** Math.floor(Math.log10(Math.max(least, 0.1))); scale <= most; scale *= 10) {
    for (const leading of LEADING.keys()) {
      const value = leading * scale;
      if (value < least || value > most || roundness(value) <= (best === undefined ? 0 : roundness(best))) continue;
      best = value;
    }
  }
  return best;
}

const fillMs = ({ beganMs, refusedMs }: Episode): number => refusedMs - beganMs;

/** Sent at about the same pace all the time, and not while it was rising. */
const isEven = ({ admitted, pacePerSecond, ...episode }: Episode): boolean =>
  (admitted * 1_000) / Math.max(1, episode.refusedMs - episode.beganMs) > EVEN * pacePerSecond;

/** All its requests lay within one window. */
const isWhole = (episode: Episode, windowMs: number): boolean => fillMs(episode) <= windowMs + INEXACT_MS;

/**
 * How many requests the last window before the refusal held. The pace at its end is known, and how many there were since the beginning: where
 * those are fewer than at that pace, it was rising, as an exponential.
 */
function inWindow(episode: Episode, windowMs: number): number {
  const { admitted, pacePerSecond } = episode;
  if (isWhole(episode, windowMs) && windowMs > 3_000) return admitted;
  const atPace = (pacePerSecond * windowMs) / 1_000;
  if (isEven(episode)) return isWhole(episode, windowMs) ? admitted : Math.min(admitted, atPace);
  const rises = (admitted * 1_000) / pacePerSecond;
  return admitted * (1 - Math.exp(-windowMs / rises));
}

/**
 * What explains `episodes`. undefined: no window does. `witnesses`: the times of refusals of the last while, oldest first, which may have met
 * another limit.
 */
export function explained(
  episodes: readonly Episode[],
  witnesses: readonly Episode[] = episodes,
): WindowLimit | undefined {
  const likely = WINDOWS.flatMap(([seconds, weight]) => {
    const candidate = fitted(episodes, seconds * 1_000);
    if (candidate === undefined || mostInWindow(witnesses, candidate.windowMs) > MOST_QUOTAS * candidate.quota + 1)
      return [];
    return [{ ...candidate, score: candidate.score * weight }];
  });
  const best = Math.max(0, ...likely.map(({ score }) => score));
  if (best < LEAST ** episodes.length) return undefined;
  const [chosen] = likely
    .filter(({ score }) => score >= (episodes.length === 1 ? ABOUT_AS_GOOD : AS_GOOD) * best)
    .sort((a, b) => b.quota / b.windowMs - a.quota / a.windowMs);
  return chosen && { quota: chosen.quota, windowMs: chosen.windowMs };
}

/** The most requests taken in any window of this length that ended with a refusal. */
function mostInWindow(episodes: readonly Episode[], windowMs: number): number {
  let most = 0;
  for (const [index, last] of episodes.entries()) {
    const sinceMs = last.refusedMs - windowMs;
    let held = inWindow(last, windowMs);
    for (const before of episodes.slice(0, index)) {
      const overlapMs = Math.min(before.refusedMs, last.beganMs) - Math.max(before.beganMs, sinceMs);
      if (overlapMs > 0) held += before.admitted * Math.min(1, overlapMs / Math.max(1, fillMs(before)));
    }
    most = Math.max(most, held);
  }
  return most;
}

function fitted(episodes: readonly Episode[], windowMs: number): (WindowLimit & { score: number }) | undefined {
  const held = episodes.map((each) => inWindow(each, windowMs));
  const most = Math.min(...held);
  if (most < 1) return undefined;
  // What was counted whole is exact.
  const counted = episodes.filter((each) => isWhole(each, windowMs)).map(({ admitted }) => admitted);
  const whole = Math.min(...counted);
  const quota =
    counted.length > 0
      ? (roundest(0.99 * whole - 0.5, 1.005 * whole + 0.5) ?? Math.max(1, Math.round(whole)))
      : (roundest(0.97 * most - 1, 1.01 * most + 0.5) ?? Math.max(1, Math.round(most)));
  let score = roundness(quota);
  for (const [index, each] of episodes.entries()) {
    // It refused though there was less in the window than that.
    if (held[index]! < 0.985 * quota - (isEven(each) ? 0 : 0.5)) return undefined;
    // It took more than that: within the window, where two of the receiver's meet in it, or for longer than one.
    const average = (each.admitted * windowMs) / Math.max(1, fillMs(each) + (each.bursts ? windowMs : 0));
    if (fillMs(each) > 1.2 * windowMs && average > 1.05 * quota) return undefined;
    if (held[index]! > 1.04 * quota + 1) score *= 0.3;
    score *= durationFit(each, windowMs);
  }
  return { quota, windowMs, score };
}

/** Whether it refused for as long as a window of this length would. */
function durationFit(episode: Episode, windowMs: number): number {
  const { refusedMs, triedMs, recoveredMs, beganMs } = episode;
  const shortestMs = triedMs - refusedMs;
  const longestMs = recoveredMs - refusedMs;
  const slackMs = 150 + 0.02 * windowMs;
  // Since the first request of the window (own windows), or when the first of them leave it (sliding ones).
  const own = triedMs - beganMs - slackMs <= windowMs && recoveredMs - beganMs + slackMs >= windowMs;
  if (isWhole(episode, windowMs) && own) return OWN;
  if (!isWhole(episode, windowMs) && longestMs < 0.2 * windowMs + 1_500) return OWN;
  if (shortestMs > windowMs + slackMs) {
    return PENALTIES_MS.some((ms) => shortestMs < ms + 200 && ms < longestMs + 200) ? PENALTY : PENALTY / 4;
  }
  const chanceMs = Math.min(longestMs, windowMs) - shortestMs + slackMs;
  return Math.max(PENALTY * 0.2, FIXED * Math.min(1, chanceMs / windowMs));
}
