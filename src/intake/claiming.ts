/**
 * From complete candidates to claims, and from claims to work. What was claimed may still be written to, or be a newer file than the
 * one that was sampled: only what is complete in its private claim folder is handed on.
 */
import { dirname } from 'node:path';
import { detectFormat } from '../formats/detect.ts';
import type { Claim, ClaimWork } from './claim-work.ts';
import type { ClaimPlace, Claims } from './claims.ts';
import { sameSample } from './completeness.ts';
import type { Faults } from './faults.ts';
import type { Candidate, InboxFolder } from './inbox-folder.ts';
import type { Say } from './log.ts';
import { reasonOf } from './log.ts';
import type { CompletenessContext } from './settling-file.ts';
import { completeOnes, sampleAll, sampleFile } from './settling-file.ts';

export interface ClaimingParts {
  /** In the order in which they are served. */
  readonly folders: readonly InboxFolder[];
  readonly claims: Claims;
  readonly work: ClaimWork;
  readonly context: CompletenessContext;
  readonly faults: Faults;
  readonly say: Say;
}

/** Files claimed ahead of staging: one look at the processes serves them all. Few, so that watchers share the work. */
const CLAIM_AHEAD = 128;
/** While submissions fail, no more than this many files are claimed: the rest waits in sight, in the inbox. */
const MAX_CLAIMED = 1_024;
const CLAIM_RETRY_MS = 5_000;

export class Claiming {
  readonly #parts: ClaimingParts;
  #claimFailedMs = Number.NEGATIVE_INFINITY;

  constructor(parts: ClaimingParts) {
    this.#parts = parts;
  }

  /** Takes over the claims of watchers that are dead. */
  async adopt(): Promise<void> {
    const { claims, context, work, say } = this.#parts;
    for (const place of await claims.adopt(context.nowMs())) {
      const kind = detectFormat(place.name);
      if (kind === undefined) {
        say('warn', 'not a supported kind of file', { event: 'claim_left', file: place.name, reason: place.path });
        continue;
      }
      say('info', 'adopted from a watcher that is gone', { event: 'claim_adopted', file: place.name });
      work.settling.add(newClaim(place, { kind, uid: 0, seen: true }));
    }
  }

  /** Samples the candidates that are due, and claims the complete ones: urgent files first, then the oldest. */
  async claimComplete(): Promise<void> {
    const { folders, work, context, faults } = this.#parts;
    for (const folder of folders) {
      for (const candidate of await completeOnes(await folder.sample(), context)) folder.markComplete(candidate);
    }
    if (work.busy > CLAIM_AHEAD / 2) return;
    const room = Math.min(CLAIM_AHEAD - work.busy, MAX_CLAIMED - work.size);
    const claimed: Claim[] = [];
    let failures = 0;
    for (const folder of folders) {
      while (claimed.length < room) {
        const candidate = folder.takeComplete();
        if (candidate === undefined) break;
        try {
          const claim = await this.#claim(folder, candidate);
          if (claim !== undefined) claimed.push(claim);
        } catch (error) {
          failures += 1;
          candidate.complete = false;
          candidate.dueMs = context.nowMs() + CLAIM_RETRY_MS;
          faults.begin('claiming', error, candidate.name);
        }
      }
    }
    if (failures > 0) this.#claimFailedMs = context.nowMs();
    else if (context.nowMs() - this.#claimFailedMs > 2 * CLAIM_RETRY_MS) faults.end('claiming');
    await this.look(claimed);
  }

  /** undefined: it changed, or is gone. */
  async #claim(folder: InboxFolder, candidate: Candidate): Promise<Claim | undefined> {
    const before = candidate.settling?.sample;
    await folder.look(candidate);
    const after = candidate.settling?.sample;
    if (folder.candidates.get(candidate.name) !== candidate) return undefined;
    if (before === undefined || after === undefined || !sameSample(before, after)) {
      candidate.complete = false;
      return undefined;
    }
    const place = await this.#parts.claims.claim(candidate.path, candidate.name, candidate.priority);
    folder.candidates.delete(candidate.name);
    if (place === undefined) return undefined;
    const claim = newClaim(place, candidate);
    this.#parts.work.settling.add(claim);
    return claim;
  }

  /** Looks at the claims that are due, and at `fresh` whatever their due time; hands the complete ones on. */
  async look(fresh: readonly Claim[]): Promise<void> {
    const { work, context } = this.#parts;
    const nowMs = context.nowMs();
    const due = new Set(fresh);
    for (const claim of work.settling) if (claim.dueMs <= nowMs) due.add(claim);
    await sampleAll([...due], async (claim) => {
      const sampled = await sampleFile(claim, context.nowMs, context.times);
      if (sampled === 'file') return;
      due.delete(claim);
      await this.#drop(claim, sampled === 'gone' ? undefined : sampled.notAFile);
    });
    for (const claim of await completeOnes([...due], context)) work.enqueue(claim);
  }

  async #drop(claim: Claim, notAFile: string | undefined): Promise<void> {
    const { work, claims, say, folders } = this.#parts;
    work.settling.delete(claim);
    const file = claim.place.name;
    if (notAFile === undefined) {
      say('info', 'claim is gone: another watcher has adopted it, or it was deleted', { event: 'claim_gone', file });
      return;
    }
    const folder = folders.find(({ priority }) => priority === claim.place.priority);
    say('warn', 'given back', { event: 'claim_given_back', file, reason: `not a regular file (${notAFile})` });
    await claims.giveBack(claim.place, folder?.path ?? dirname(claim.path)).catch((error: unknown) => {
      say('error', 'cannot be given back', { event: 'claim_left', file, reason: reasonOf(error) });
    });
  }
}

function newClaim(place: ClaimPlace, from: Pick<Claim, 'kind' | 'uid' | 'seen' | 'settling'>): Claim {
  const { kind, uid, seen, settling } = from;
  const file = { path: place.path, kind, uid, seen, dueMs: 0, sampledMs: 0, place, failures: 0 };
  return settling === undefined ? file : { ...file, settling };
}
