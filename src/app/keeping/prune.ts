/**
 * `wds prune`, and what watchers and files workers do by themselves where `store.retainDays` is set: removes what is older than it has to be kept of
 * files that have ended. Never receipts, nor the hashes of users by which `wds find` searches; never anything of a file that is under way, or that
 * one under way reads. What can still be retried needs its rows: it is kept, unless that is forced.
 */
import pMap from 'p-map';
import type { RetainMs } from '../../config/settings.ts';
import { PARTS } from '../../config/settings.ts';
import type { FileCounts } from '../../domain/counts.ts';
import type { DeliveryRecord } from '../../store/delivery-record.ts';
import { deliveriesOf } from '../../store/delivery-record.ts';
import { rememberPruned } from '../../store/pruned.ts';
import { readStagedFile } from '../../store/staged-file.ts';
import type { FileGlance, PartSize } from '../../store/stored-parts.ts';
import { saveEarlierUsers } from '../save-earlier-users.ts';
import type { House } from './house.ts';
import { standingOf } from './house.ts';
import type { KeptPart } from './kept-part.ts';
import type { Originals } from './originals.ts';
import { agedOriginals } from './originals.ts';
import { filesReadBy, onceUntilMs } from './readers.ts';

export interface PruneRequest {
  /** What is older goes; a part that is absent stays. */
  readonly retainMs: RetainMs;
  /** SHA-256s of the files to look at; undefined: all. */
  readonly only?: ReadonlySet<string> | undefined;
  /** Also what can still be retried, and what a message that was sent once is compared with. */
  readonly force: boolean;
  /** Nothing is removed. */
  readonly dryRun: boolean;
  /** Once a message: for how long the rows of a file are asked for. */
  readonly onceMs: number;
  readonly nowMs: number;
  /** Ends it early, between two files. */
  readonly signal?: AbortSignal;
}

/** What went of one file, or would go. */
export interface PrunedFile {
  readonly file: string;
  readonly sha256: string | null;
  /** Bytes, by part. */
  readonly parts: RetainMs;
}

/** What is old enough, and stays. */
export interface KeptFile {
  readonly file: string;
  readonly sha256: string | null;
  readonly why: string;
  /** Whether --force removes it. */
  readonly forceable: boolean;
}

/** Exactly what `-o json` prints. */
export interface PruneResult {
  readonly dryRun: boolean;
  /** How many files lose that part, and its bytes. */
  readonly parts: Readonly<Record<(typeof PARTS)[number], { readonly files: number; readonly bytes: number }>>;
  readonly bytes: number;
  readonly files: readonly PrunedFile[];
  readonly kept: readonly KeptFile[];
}

interface Reason {
  readonly why: string;
  readonly forceable: boolean;
}

/** What is known of a file that has something old. */
interface Judged {
  readonly reason: Reason | undefined;
  /** Only its chunks stay, for that reason. */
  readonly chunksStay: Reason | undefined;
  readonly counts: Readonly<Record<string, FileCounts>>;
  readonly lastMs: number;
}

export async function prune(house: House, request: PruneRequest): Promise<PruneResult> {
  const { only, dryRun, signal } = request;
  const work = new Pruning(house, request);
  // Made from rows, where a version of before has read them: wds find has to know them when the rows are gone.
  if (!dryRun) await saveEarlierUsers(house, () => undefined);
  const files = only === undefined ? house.parts.files() : [...only].map((sha256) => ({ sha256, parts: undefined }));
  const one = (file: FileGlance): Promise<void> => (signal?.aborted ? Promise.resolve() : work.file(file));
  await pMap(files, one, { concurrency: house.parts.atOnce });
  for (const inbox of house.inboxes) if (!signal?.aborted) await work.originals(inbox);
  return { dryRun, ...work.result() };
}

class Pruning {
  readonly #house: House;
  readonly #request: PruneRequest;
  readonly #judged = new Map<string, Promise<Judged>>();
  /** Files that one under way reads, and which one that is. */
  #read: Promise<ReadonlyMap<string, string>> | undefined;
  readonly #files: PrunedFile[] = [];
  /** Where a file is among these. */
  readonly #bySha256 = new Map<string, number>();
  readonly #kept = new Map<string, KeptFile>();

  constructor(house: House, request: PruneRequest) {
    this.#house = house;
    this.#request = request;
  }

  #isOld({ part, changedMs }: Pick<PartSize | KeptPart, 'part' | 'changedMs'>, lastMs = 0): boolean {
    const { retainMs, nowMs } = this.#request;
    const keptMs = retainMs[part];
    return keptMs !== undefined && Math.max(changedMs, lastMs) <= nowMs - keptMs;
  }

  async file({ sha256, parts: glance }: FileGlance): Promise<void> {
    if (glance !== undefined && !glance.some((part) => this.#isOld(part))) return;
    const { store, parts } = this.#house;
    const records = await deliveriesOf(store, sha256);
    const old = (await parts.of(sha256, records)).filter((part) => this.#isOld(part));
    if (old.length === 0) return;
    const file = records[0]?.fileName ?? (await readStagedFile(store, sha256))?.name ?? sha256.slice(0, 12);
    const { reason, chunksStay, counts, lastMs } = await this.#judge(sha256, records);
    let due = old.filter((part) => this.#isOld(part, lastMs));
    if (due.length === 0) return;
    if (reason !== undefined) return this.#keep({ file, sha256, ...reason });
    if (chunksStay !== undefined && due.some(({ part }) => part === 'chunks')) {
      this.#keep({ file, sha256, ...chunksStay });
      due = due.filter(({ part }) => part !== 'chunks');
    }
    if (due.length === 0) return;
    if (!this.#request.dryRun) {
      const inStore = due.flatMap(({ part }) => (part === 'content' || part === 'chunks' ? [part] : []));
      const at = new Date(this.#request.nowMs).toISOString();
      if (inStore.length > 0) await rememberPruned(store, sha256, { at, why: 'retention', parts: inStore, counts });
      for (const part of due) await part.remove();
    }
    this.#gone(file, sha256, due);
  }

  async originals(inbox: Originals): Promise<void> {
    const { store } = this.#house;
    const { only, force, dryRun } = this.#request;
    for await (const { original, file, free, sha256s } of agedOriginals(store, inbox, (one) => this.#isOld(one))) {
      if (only !== undefined && !sha256s.some((sha256) => only.has(sha256))) continue;
      const judged = await Promise.all(
        sha256s.map(async (sha256) => this.#judge(sha256, await deliveriesOf(store, sha256))),
      );
      if (!judged.every(({ lastMs }) => this.#isOld(original, lastMs))) continue;
      const sha256 = sha256s[0] ?? null;
      const unknown = sha256 === null && !free && !force;
      const reason = unknown ? UNKNOWN : judged.find((one) => one.reason !== undefined)?.reason;
      if (reason !== undefined) {
        this.#keep({ file, sha256, ...reason });
        continue;
      }
      if (!dryRun) await original.remove();
      this.#gone(file, sha256, [original]);
    }
  }

  #keep(kept: KeptFile): void {
    this.#kept.set(`${kept.sha256 ?? kept.file} ${kept.why}`, kept);
  }

  #gone(file: string, sha256: string | null, parts: readonly KeptPart[]): void {
    const bytes: Record<string, number> = {};
    for (const part of parts) bytes[part.part] = (bytes[part.part] ?? 0) + part.bytes;
    const known = sha256 === null ? undefined : this.#bySha256.get(sha256);
    const pruned = { file, sha256, parts: known === undefined ? bytes : added(this.#files[known]!.parts, bytes) };
    if (known !== undefined) this.#files[known] = pruned;
    else {
      if (sha256 !== null) this.#bySha256.set(sha256, this.#files.length);
      this.#files.push(pruned);
    }
  }

  #judge(sha256: string, records: readonly DeliveryRecord[]): Promise<Judged> {
    let judged = this.#judged.get(sha256);
    if (judged === undefined) {
      judged = this.#judgeAll(sha256, records);
      this.#judged.set(sha256, judged);
    }
    return judged;
  }

  async #judgeAll(sha256: string, records: readonly DeliveryRecord[]): Promise<Judged> {
    const { force, onceMs, nowMs } = this.#request;
    const house = this.#house;
    const counts: Record<string, FileCounts> = {};
    let lastMs = 0;
    let reason: Reason | undefined;
    let onceUntil = 0;
    for (const record of records) {
      const run = await house.runOf(record.workflowId);
      const standing = await standingOf(house, record);
      counts[record.endpoint] = standing.counts;
      lastMs = Math.max(lastMs, standing.lastMs);
      if (run === 'running') {
        return { reason: { why: 'it is under way', forceable: false }, chunksStay: undefined, counts, lastMs };
      }
      if (run !== 'completed') reason ??= openReason(standing);
      onceUntil = Math.max(onceUntil, await onceUntilMs(house.store, record, standing.lastMs, onceMs));
    }
    this.#read ??= filesReadBy(house);
    const reader = (await this.#read).get(sha256);
    if (reader !== undefined) reason = { why: `it is read by ${reader}, which mends it`, forceable: false };
    else if (records.length === 0) reason = { why: 'it was never submitted', forceable: true };
    if (force && reason?.forceable) reason = undefined;
    const until = new Date(onceUntil).toISOString().slice(0, 10);
    const why = `once a message: later files are compared with its rows until ${until}`;
    const chunksStay = onceUntil > nowMs && !force ? { why, forceable: true } : undefined;
    return { reason, chunksStay, counts, lastMs };
  }

  result(): Omit<PruneResult, 'dryRun'> {
    // Several are looked at at once: whichever ends first, those of the store come first, as it lists them.
    const files = this.#files.toSorted((a, b) => order(a).localeCompare(order(b)));
    const kept = [...this.#kept.values()].sort((a, b) => order(a).localeCompare(order(b)));
    const parts = Object.fromEntries(
      PARTS.map((part) => {
        const of = files.flatMap((file) => file.parts[part] ?? []);
        return [part, { files: of.length, bytes: of.reduce((sum, bytes) => sum + bytes, 0) }];
      }),
    ) as unknown as PruneResult['parts'];
    const bytes = PARTS.reduce((sum, part) => sum + parts[part].bytes, 0);
    return { parts, bytes, files, kept };
  }
}

const order = ({ sha256 }: { readonly sha256: string | null }): string => sha256 ?? 'unknown';

const UNKNOWN: Reason = { why: 'wds knows no delivery of it', forceable: true };

const added = (a: RetainMs, b: RetainMs): RetainMs =>
  Object.fromEntries(
    PARTS.flatMap((part) => ((a[part] ?? b[part]) === undefined ? [] : [[part, (a[part] ?? 0) + (b[part] ?? 0)]])),
  );

function openReason({ state, open }: { readonly state: string; readonly open: number }): Reason | undefined {
  if (state === 'unread') return { why: 'it was not read to its end: wds retry reads it', forceable: true };
  if (open === 0) return undefined;
  const alerts = open === 1 ? '1 alert was' : `${open.toLocaleString('en-US')} alerts were`;
  return { why: `${alerts} not delivered, and wds retry needs the rows`, forceable: true };
}
