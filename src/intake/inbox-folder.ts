/**
 * What lies in one watched folder (the inbox, or its `urgent`). The listing is the truth: it finds what events did not tell, and
 * forgets what is gone. Whatever will not be taken is named in the log once.
 */
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FilePriority } from '../domain/contracts.ts';
import { detectFormat } from '../formats/detect.ts';
import { reasonOf } from '../thrown.ts';
import { Arrivals } from './arrivals.ts';
import { ComeBacks } from './come-backs.ts';
import type { CompletenessContext } from './dropped-file.ts';
import { DroppedFile } from './dropped-file.ts';
import { readEnds } from './file-ends.ts';
import { findComplete, lookAtAll } from './find-complete.ts';
import { isUploadInProgress, PROCESSED_FOLDER, REJECTED_FOLDER, STATE_FOLDER, URGENT_FOLDER } from './inbox-names.ts';
import type { Say } from './log.ts';
import type { SidecarKind, Vouching } from './sidecars.ts';
import { Sidecars } from './sidecars.ts';
import type { Lane } from './under-way.ts';
import { laneOf } from './under-way.ts';

/** Files known at once in a folder; the rest of a larger folder is found by later scans. */
const MAX_FILES = 50_000;
/** Names whose refusal was logged; beyond that the oldest may be logged again. */
const MAX_REFUSED = 10_000;
const HOW_TO_WRITE =
  'write it under another name, as .part, and rename it when it is whole, or raise intake.settleSeconds';
const OWN_FOLDERS = new Set([STATE_FOLDER, PROCESSED_FOLDER, REJECTED_FOLDER, URGENT_FOLDER]);

export interface FolderRules {
  /** Whether CSV files begin with a header. Default true. */
  readonly header?: boolean | undefined;
  /** Default off. */
  readonly sidecar?: SidecarKind | undefined;
  /** Larger ones are not read, whatever their sidecars say. Default: none is too large. */
  readonly maxFileBytes?: number | undefined;
}

export class InboxFolder {
  readonly sidecars: Sidecars;
  readonly path: string;
  readonly priority: FilePriority;
  readonly files = new Map<string, DroppedFile>();
  readonly arrivals = new Arrivals();
  readonly #context: CompletenessContext;
  readonly #say: Say;
  readonly #comeBacks: ComeBacks;
  readonly #refused = new Set<string>();
  readonly #hinted = new Set<string>();
  /** Complete files of each kind, the next one to claim last; rebuilt when there are new ones. */
  #complete: Record<Lane, DroppedFile[]> = { small: [], large: [] };
  readonly #maxFileBytes: number;
  #unsorted = false;

  constructor(path: string, priority: FilePriority, context: CompletenessContext, say: Say, rules: FolderRules = {}) {
    this.#comeBacks = new ComeBacks(rules.header ?? true);
    this.sidecars = new Sidecars(rules.sidecar ?? 'off');
    this.#maxFileBytes = rules.maxFileBytes ?? Number.POSITIVE_INFINITY;
    this.path = path;
    this.priority = priority;
    this.#context = context;
    this.#say = say;
  }

  /** An event: what happened to that name is looked at with the next `sample`. undefined: to some name. */
  tell(what: 'rename' | 'change', name: string | undefined): void {
    if (name === undefined) this.arrivals.forgetAll();
    else {
      this.arrivals.tell(what, name);
      if (this.#hinted.size < MAX_FILES) this.#hinted.add(name);
    }
  }

  /** Lists the folder. False: it does not exist, or is a link to another place. Throws what opendir throws else. */
  async list(): Promise<boolean> {
    const stats = await lstat(this.path).catch(() => undefined);
    if (stats === undefined || (this.priority === 'urgent' && !stats.isDirectory())) {
      this.files.clear();
      return false;
    }
    const listed = new Set<string>();
    for await (const { name } of await opendir(this.path, { bufferSize: 512 })) {
      if (this.#fileFor(name) !== undefined) listed.add(name);
      const vouchedFor = this.sidecars.fileOf(name);
      if (vouchedFor !== undefined) this.#hinted.add(vouchedFor);
    }
    for (const name of this.files.keys()) if (!listed.has(name)) this.files.delete(name);
    this.arrivals.listed();
    return true;
  }

  #fileFor(name: string): DroppedFile | undefined {
    const known = this.files.get(name);
    if (known !== undefined) return known;
    if (OWN_FOLDERS.has(name) || this.sidecars.fileOf(name) !== undefined) return undefined;
    if (this.files.size >= MAX_FILES) return undefined;
    const kind = isUploadInProgress(name) ? undefined : detectFormat(name);
    if (kind === undefined) {
      const reason = isUploadInProgress(name) ? 'the name of an upload in progress' : 'not a supported kind of file';
      this.#refuse('info', name, reason);
      return undefined;
    }
    const place = { path: join(this.path, name), name, priority: this.priority };
    const file = new DroppedFile(place, kind, this.#context.writersAreLocal);
    this.files.set(name, file);
    return file;
  }

  #refuse(level: 'info' | 'warn', name: string, reason: string): void {
    const known = `${name}\0${reason}`;
    if (this.#refused.has(known)) return;
    if (this.#refused.size >= MAX_REFUSED) for (const oldest of this.#refused) if (this.#refused.delete(oldest)) break;
    this.#refused.add(known);
    this.#say(level, 'left where it is', { event: 'file_ignored', file: name, reason });
  }

  /** Looks at what was hinted at or is due, and returns the files that may be complete by now. */
  async lookAtDue(): Promise<DroppedFile[]> {
    const nowMs = this.#context.nowMs();
    for (const name of this.#hinted) this.#fileFor(this.sidecars.fileOf(name) ?? name)?.changed();
    this.#hinted.clear();
    const due = [...this.files.values()].filter(({ dueMs }) => dueMs <= nowMs);
    await lookAtAll(due, (file) => this.look(file));
    return due.filter((file) => this.#has(file));
  }

  #has(file: DroppedFile): boolean {
    return this.files.get(file.name) === file;
  }

  /** Samples one file; false: it is no file to take, and forgotten. */
  async look(file: DroppedFile): Promise<boolean> {
    const { name } = file;
    try {
      const sampled = await file.look(this.#context);
      if (sampled === 'file') {
        if (this.sidecars.kind !== 'off') file.arrivedWhole(true, true);
        else file.arrivedWhole(this.arrivals.mayBeWhole(name));
        return this.#has(file);
      }
      this.arrivals.forget(name);
      if (sampled !== 'gone') this.#refuse('warn', name, `not a regular file (${sampled.notAFile})`);
      // Node shows bytes that are no UTF-8 as U+FFFD, and then no call finds the file: it must not be missed in silence.
      else if (name.includes('\ufffd')) this.#refuse('warn', name, 'its name is not UTF-8: rename it');
    } catch (error) {
      this.#refuse('warn', name, reasonOf(error));
    }
    this.files.delete(name);
    return false;
  }

  /** Finds out which files are complete by now: they can be taken. */
  async findComplete(): Promise<void> {
    // With sidecars it is they who say it.
    const isWhole = ({ name }: DroppedFile): boolean => this.sidecars.kind !== 'off' || this.arrivals.mayBeWhole(name);
    const found = await findComplete(await this.lookAtDue(), this.#context, isWhole);
    if (found.length > 0) this.#unsorted = true;
    await lookAtAll(found, (file) => this.#question(file));
  }

  /** Whether its writer may come back. */
  async #question(file: DroppedFile): Promise<void> {
    const { nowMs, times } = this.#context;
    if (this.sidecars.kind !== 'off') return this.#askSidecar(file);
    if (file.whole) return;
    const ends = await readEnds(file.path, file.kind);
    const { path, kind, whole } = file;
    file.doubt(ends, this.#comeBacks.restOf({ path, kind, whole, ends }, nowMs()) !== undefined, times);
  }

  async #askSidecar(file: DroppedFile): Promise<void> {
    const { path, name, sample } = file;
    // It is refused as it is.
    if (sample === undefined || sample.sizeBytes > this.#maxFileBytes) return;
    const vouching = await this.sidecars
      .vouch(path, sample)
      .catch((error: unknown): Vouching => ({ refused: reasonOf(error) }));
    if (vouching === 'whole') return;
    file.awaitSidecar();
    if (vouching !== 'absent') this.#refuse('warn', name, vouching.refused);
  }

  /** It was claimed: what comes under its name from now on may be the rest of it. */
  claimed(file: DroppedFile): void {
    const nowMs = this.#context.nowMs();
    const agoMs = this.#comeBacks.restOf(file, nowMs);
    this.#comeBacks.remember(file, nowMs);
    this.files.delete(file.name);
    if (agoMs === undefined) return;
    const reason = `its first part was taken ${Math.round(agoMs / 1_000)} s ago, when nobody had written to it for a while`;
    const message = `looks like the rest of that file, and the parts cannot be joined: ${HOW_TO_WRITE}`;
    this.#say('warn', message, { event: 'file_rest', file: file.name, reason });
  }

  /** How many complete files of this kind were not taken yet, at most: some may be gone since. */
  complete(lane: Lane): number {
    if (this.#unsorted) this.#sort();
    return this.#complete[lane].length;
  }

  /** The oldest complete file of this kind that was not taken yet. */
  takeComplete(lane: Lane): DroppedFile | undefined {
    if (this.#unsorted) this.#sort();
    for (;;) {
      const file = this.#complete[lane].pop();
      if (file === undefined) return undefined;
      if (file.complete && this.#has(file)) return file;
    }
  }

  #sort(): void {
    const complete = [...this.files.values()].filter((file) => file.complete);
    const age = ({ sample }: DroppedFile): number => sample?.mtimeMs ?? 0;
    complete.sort((a, b) => age(b) - age(a));
    this.#complete = { small: [], large: [] };
    for (const file of complete) this.#complete[laneOf(file)].push(file);
    this.#unsorted = false;
  }

  /** Monotonic time at which `findComplete` has something to do; Infinity: nothing is pending. */
  nextDueMs(): number {
    if (this.#hinted.size > 0) return 0;
    let next = Number.POSITIVE_INFINITY;
    for (const { dueMs } of this.files.values()) next = Math.min(next, dueMs);
    return next;
  }
}
