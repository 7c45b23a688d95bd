/**
 * `wds forget USER`: erases a user from all that a home keeps. What holds whole files (originals, contents) goes with the file; what holds rows loses
 * the user's, and keeps those of all others: chunks, reports, what invalid and duplicate rows say, the hash by which `wds find` finds the user.
 * Receipts stay, by line and without the person, so the same bytes again send nothing. What was not delivered to the user is closed for good, before
 * anything else, in the receipts: by the same change of owner by which a later file takes a row over. Dropped files in inboxes of other hosts go by
 * those who watch them (forgotten.ts).
 */
import pMap from 'p-map';
import { linesScope } from '../../domain/ledger/journal.ts';
import { parseKey } from '../../domain/parse-options.ts';
import { UserHashes } from '../../formats/seen-users.ts';
import type { WindowRef } from '../../store/chunks.ts';
import { ChunksMissing } from '../../store/chunks.ts';
import type { DeliveryRecord } from '../../store/delivery-record.ts';
import { deliveriesOf } from '../../store/delivery-record.ts';
import { storedFiles } from '../../store/file-names.ts';
import { rememberPruned } from '../../store/pruned.ts';
import type { Redacted } from '../../store/redaction.ts';
import {
  beginRedaction,
  endRedaction,
  finishRedactions,
  redactAlert,
  redactRejects,
  redactUser,
} from '../../store/redaction.ts';
import { writeReportFiles } from '../../store/report.ts';
import { newestRound } from '../../store/rounds.ts';
import type { UserHit } from '../../store/scan-users.ts';
import { readStagedFile } from '../../store/staged-file.ts';
import { hitsOf } from '../find-user.ts';
import { saveEarlierUsers } from '../save-earlier-users.ts';
import { removeRefusalsOf, windowsOf } from './file-texts.ts';
import { noteForgotten } from './forgotten.ts';
import type { House } from './house.ts';
import type { KeptPart } from './kept-part.ts';
import { removeOriginals } from './originals.ts';
import { filesReadBy } from './readers.ts';
import type { ForgetPlan, FoundFile } from './user-traces.ts';
import { tracesOf, userWords } from './user-traces.ts';

export interface ForgetOptions {
  readonly userId: string;
  readonly nowMs: number;
  readonly reports: { readonly byteOrderMark: boolean };
}

/** What would be erased; nothing is. */
export async function planForget(house: House, userId: string): Promise<ForgetPlan> {
  const files = await storedFiles(house.store);
  await finishRedactions(house.store, files);
  const { names } = await saveEarlierUsers(house, () => undefined);
  const hits = await hitsOf(house, names, userId);
  const read = await filesReadBy(house);
  const look = async (sha256: string): Promise<FoundFile | undefined> => {
    const own = hits.filter((hit) => hit.sha256 === sha256);
    if (own.length === 0 && !(await tracesOf(house, sha256, userId))) return undefined;
    const records = await deliveriesOf(house.store, sha256);
    const runs = await Promise.all(records.map(({ workflowId }) => house.runOf(workflowId)));
    const busy = runs.includes('running')
      ? 'it is under way'
      : read.has(sha256)
        ? `it is read by ${read.get(sha256)}, which mends it`
        : undefined;
    return { sha256, file: records[0]?.fileName ?? sha256.slice(0, 12), hits: own, records, busy };
  };
  const found = await pMap(files, look, { concurrency: house.parts.atOnce });
  return { userId, files: found.filter((file) => file !== undefined) };
}

/** Does it. Can be begun again: what is erased is not looked for, and the hash goes last. */
export async function forget(house: House, { files, userId }: ForgetPlan, options: ForgetOptions): Promise<void> {
  for (const file of files) await new Forgetting(house, file, userId, options).run();
}

class Forgetting {
  readonly #house: House;
  readonly #file: FoundFile;
  readonly #words: Redacted;
  readonly #hashes: UserHashes;
  readonly #options: ForgetOptions;

  constructor(house: House, file: FoundFile, userId: string, options: ForgetOptions) {
    this.#house = house;
    this.#file = file;
    this.#words = userWords(userId);
    this.#hashes = new UserHashes(userId);
    this.#options = options;
  }

  async run(): Promise<void> {
    const { store } = this.#house;
    const { sha256, hits, records } = this.#file;
    for (const hit of hits) for (const record of records) await this.#close(record, hit);
    for (const ref of await windowsOf(this.#house, sha256)) {
      const hit = hits.find((one) => one.parseKey === ref.parseKey && one.window === ref.window);
      await this.#redacting(ref, async () => {
        if (hit !== undefined) await redactAlert(store, ref, hit);
        await redactRejects(store, ref, this.#words);
      });
    }
    await removeRefusalsOf(this.#house, sha256, this.#words);
    await this.#removeWholes();
    await this.#writeReports();
    for (const hit of hits) await this.#redacting(hit, () => redactUser(store, hit, this.#hashes.in(sha256)));
  }

  async #redacting(ref: WindowRef, work: () => Promise<void>): Promise<void> {
    await beginRedaction(this.#house.store, ref);
    await work();
    await endRedaction(this.#house.store, ref);
  }

  /** Whoever was not alerted is not alerted any more: not by a retry, nor when the same bytes come again. */
  async #close(record: DeliveryRecord, { line, chunk, parseKey: key }: UserHit): Promise<void> {
    if (parseKey(record.parse) !== key) return;
    const { store, ledgers } = this.#house;
    const { sha256, endpoint } = record;
    const state = (await ledgers.read({ sha256, endpoint, chunk })).get(line);
    if (state?.outcome === 'delivered' || (state !== undefined && state.movedTo !== '')) return;
    const round = (await newestRound(store, record))?.round ?? 0;
    const attempt = { round, scope: linesScope('takeover', [line]), parseKey: key, durable: true };
    const ledger = await ledgers.open({ sha256, endpoint, chunk }, attempt);
    try {
      ledger.record('m', line, undefined, 0, 'nobody');
      ledger.record('n', line, undefined, 0, 'its user was forgotten');
      if ((await ledger.confirm([line])) === undefined) throw new Error(`line ${line} is being sent`);
    } finally {
      await ledger.close();
    }
  }

  /** What cannot be had without the user. */
  async #removeWholes(): Promise<void> {
    const { store, parts, inboxes } = this.#house;
    const { sha256, records } = this.#file;
    const { nowMs } = this.#options;
    const content = (await parts.of(sha256, records)).filter(({ part }) => part === 'content');
    if (content.length > 0) {
      const at = new Date(nowMs).toISOString();
      await rememberPruned(store, sha256, { at, why: 'forgotten', parts: ['content'], counts: {} });
    }
    const bytes = (await readStagedFile(store, sha256))?.sizeBytes;
    if (bytes !== undefined) await noteForgotten(store, { atMs: nowMs, bytes, sha256 });
    for (const whole of content) await whole.remove();
    const wanted = (one: KeptPart): ReadonlySet<string> => new Set(one.bytes === bytes ? [sha256] : []);
    for (const inbox of inboxes) await removeOriginals(inbox, wanted);
  }

  /** Those that are there, from what is left; where nothing is left they go. */
  async #writeReports(): Promise<void> {
    const { store, ledgers, reports, parts } = this.#house;
    const { sha256, records } = this.#file;
    for (const record of records) {
      const report = (await parts.of(sha256, [record])).find(({ part }) => part === 'reports');
      if (report === undefined) continue;
      const request = { ...record, ...this.#options.reports };
      const written = writeReportFiles({ store, ledgers }, reports, request, () => undefined);
      await written.catch((error: unknown) =>
        error instanceof ChunksMissing ? report.remove() : Promise.reject(error),
      );
    }
  }
}
