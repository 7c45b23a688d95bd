/**
 * What a time of refusals, once it is over, teaches the learner. A limit that refused for long is a window (or has a penalty): explain.ts says
 * which. One that took again at once is a rate, and between two refusals it let through just that rate: both times nothing was left. Pure.
 */
import type { Episode } from './episodes.ts';
import type { WindowLimit } from './explain.ts';
import { explained, roundest } from './explain.ts';
import type { Learner } from './learner.ts';
import { SHORTEST_REST_MS } from './learner.ts';
import { strayDoubts } from './stray.ts';

const KEPT_EPISODES = 6;
/** Refusals of longer ago may have met another limit. */
const LASTS_MS = 600_000;
/** Under a limit that is known. */
const HOLD = 0.97;
/** A bucket may be anything between empty and one request: with few requests its rate is not known exactly. */
const CAREFUL = 0.75;
const FEW = 8;
const ENOUGH = 20;
const SOON_MS = 2_000;
/** An average far below the pace at the end: the pace was rising. */
const EVEN = 0.8;
/** Below, every refusal counts. Above, the rate is felt for by refusals (learner.ts). */
const SLOW_PER_SECOND = 12;
/** A limit that takes again within this time, or within three requests' time, is no window worth the name. */
const QUICK_MS = 1_500;
/** A probe that is refused costs as long as the receiver refuses: it is to cost a twentieth of the time at most. */
const REST_OF_STOP = 20;
/** And one request in so many, or fewer while the rate is known from a few requests only. */
const REST_REQUESTS = 120;
const REST_OF_TAKEN = 4;
const LONGEST_REST_MS = 900_000;
/** What was let through on average, of the rate that was refused: below this part something else held it back. */
const AVERAGE_LEAST = 0.85;
const ABOVE_AVERAGE = 1.05;

/** `shared`: others were sending, too. */
export function recovered(learner: Learner, episode: Episode, shared: boolean, nowMs: number): Learner {
  const last = learner.episodes?.at(-1);
  // It only found out what another had met.
  if (episode.admitted < 1 || (last !== undefined && episode.refusedMs < last.recoveredMs)) return learner;
  const before = (learner.episodes ?? []).filter((each) => nowMs - each.refusedMs < LASTS_MS);
  const heard: Learner = { ...learner, episodes: [...before, episode].slice(-KEPT_EPISODES) };
  if (isQuick(episode)) {
    // Of several workers none knows what all were given between two refusals.
    return shared ? learner : unlessDoubted(heard, rateLearned(heard, episode, nowMs), nowMs);
  }
  return unlessDoubted(heard, windowLearned(heard, episode, nowMs), nowMs);
}

function unlessDoubted(before: Learner, after: Learner, nowMs: number): Learner {
  const { stray } = before;
  if (stray === undefined || after === before || after.ceilingPerSecond === null) return after;
  const doubted = strayDoubts(stray, after.ceilingPerSecond, nowMs);
  return doubted
    ? { ...before, stray: { ...stray, doubted: (stray.doubted ?? 0) + 1 } }
    : { ...after, stray: { ...stray, doubted: 0 } };
}

const stopMsOf = ({ refusedMs, recoveredMs }: Episode): number => recoveredMs - refusedMs;

function isQuick(episode: Episode): boolean {
  return stopMsOf(episode) <= Math.max(QUICK_MS, 3_000 / Math.max(episode.pacePerSecond, 0.1));
}

function windowLearned(learner: Learner, episode: Episode, nowMs: number): Learner {
  // What was seen before may have been of another limit.
  const window = explained(learner.episodes ?? []) ?? explained([episode], learner.episodes);
  if (window !== undefined) return held(learner, window, episode, nowMs);
  const spanMs = episode.recoveredMs - episode.beganMs;
  const rate = (Math.max(1, episode.admitted) * 1_000) / Math.max(1, spanMs);
  return settled(learner, rate, HOLD * rate, REST_REQUESTS, nowMs);
}

/** Found again where it was, a window is left alone for twice as long. */
function held(learner: Learner, window: WindowLimit, episode: Episode, nowMs: number): Learner {
  const before = learner.window;
  const same = before?.quota === window.quota && before.windowMs === window.windowMs;
  const rate = (window.quota * 1_000) / window.windowMs;
  const next = settled(learner, rate, HOLD * rate, REST_REQUESTS, nowMs);
  const leastMs = Math.max(next.restMs, REST_OF_STOP * stopMsOf(episode), same ? 2 * before.restMs : 0);
  const restMs = Math.min(LONGEST_REST_MS, leastMs);
  return { ...next, restMs, window: { ...window, learnedMs: same ? before.learnedMs : nowMs, restMs } };
}

function rateLearned(learner: Learner, episode: Episode, nowMs: number): Learner {
  const { refusedMs, beganMs, triedMs, recoveredMs, admitted, pacePerSecond } = episode;
  if (pacePerSecond >= SLOW_PER_SECOND) return learner;
  const soon = admitted < ENOUGH || refusedMs - beganMs < SOON_MS;
  const before = (learner.episodes ?? []).slice(0, -1);
  const previous = before.at(-1);
  if (previous === undefined) {
    // What it took at first tells little, and when it took the next one only that it is not quicker.
    if (!soon || (triedMs <= refusedMs && admitted >= FEW)) return learner;
    const ceiling = Math.min(
      learner.ceilingPerSecond ?? Number.POSITIVE_INFINITY,
      (Math.max(1, admitted) * 1_000) / Math.max(1, recoveredMs - beganMs),
    );
    const next = (CAREFUL * 1_000) / Math.max(1, recoveredMs - refusedMs);
    return settled(learner, ceiling, Math.min(next, HOLD * ceiling), 0, nowMs);
  }
  const window = explained(learner.episodes ?? []);
  const windowRate = window && (window.quota * 1_000) / window.windowMs;
  if (!soon) {
    const average = ((admitted + 1) * 1_000) / Math.max(1, refusedMs - previous.recoveredMs);
    if (window && windowRate! > 0.8 * average && windowRate! < pacePerSecond) {
      return held(learner, window, episode, nowMs);
    }
    if (average > pacePerSecond) return learner;
    // It was passed long before it was noticed, for a bucket had something left.
    const ceiling = average < AVERAGE_LEAST * pacePerSecond ? ABOVE_AVERAGE * average : average;
    return settled(learner, ceiling, HOLD * ceiling, REST_REQUESTS, nowMs);
  }
  let taken = admitted;
  let since = previous;
  for (const each of before.slice(0, -1).toReversed()) {
    if (taken >= FEW || refusedMs - each.refusedMs > 60_000) break;
    taken += since.admitted;
    since = each;
  }
  const elapsedMs = Math.max(1, refusedMs - since.refusedMs);
  const average = (Math.max(0.5, taken) * 1_000) / elapsedMs;
  const rising = average < EVEN * pacePerSecond && refusedMs - beganMs > SOON_MS;
  if (window && windowRate! > 0.75 * average && windowRate! < pacePerSecond) {
    return held(learner, window, episode, nowMs);
  }
  const rate = rising ? Math.sqrt(average * pacePerSecond) : average;
  const error = Math.min(0.15, 1 / Math.max(1, taken));
  const ceiling = (taken >= FEW ? roundest((1 - error) * rate, (1 + error) * rate) : undefined) ?? rate;
  return settled(learner, ceiling, (taken < FEW ? CAREFUL : HOLD) * ceiling, REST_OF_TAKEN * taken, nowMs);
}

/** `restRequests`: the curve rests for as many requests as that. */
function settled(
  learner: Learner,
  ceilingPerSecond: number,
  basePerSecond: number,
  restRequests: number,
  nowMs: number,
): Learner {
  const { window: _, ...rest } = learner;
  const restMs = Math.max(SHORTEST_REST_MS, (Math.min(REST_REQUESTS, restRequests) * 1_000) / ceilingPerSecond);
  return {
    ...rest,
    ceilingPerSecond,
    basePerSecond,
    anchorMs: nowMs,
    earlyRun: 0,
    restMs: Math.min(LONGEST_REST_MS, restMs),
  };
}
