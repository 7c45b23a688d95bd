/**
 * Brings a dropped file into the store: one pass that hashes the dropped bytes and writes the content (gzip expanded), visible under
 * the hash only when it is whole. Staging is idempotent: two watchers that stage one file, or a second drop of the same bytes, end at the
 * same staged file, whose first name stays. A file that changes while it is read is never staged.
 */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, realpath } from 'node:fs/promises';
import { Fault, FileRefusal } from '../domain/failure.ts';
import { bytesText } from '../domain/progress/bytes-text.ts';
import type { DetectedFormat } from '../formats/detect.ts';
import { gunzip } from '../formats/gunzip.ts';
import { contentKey } from '../store/layout.ts';
import type { StagedFile } from '../store/staged-file.ts';
import { readStagedFile, writeStagedFile } from '../store/staged-file.ts';
import type { Store } from '../store/store.ts';
import { errnoOf } from '../thrown.ts';
import type { FileSample } from './completeness.ts';
import { sameSample, sampleOf } from './completeness.ts';
import type { NextBlock } from './hashing-reader.ts';
import { counted, HashingReader, nextBlockOf } from './hashing-reader.ts';
import { printableName } from './inbox-names.ts';

export interface StageLimits extends DetectedFormat {
  /** Base name, as people know the file. */
  readonly name: string;
  /** A gzip file that expands beyond this is refused. */
  readonly maxExpandedBytes: number;
  /** A larger one is refused before it is read: a sparse file may seem to hold more than any disk. Absent: any size will do. */
  readonly maxFileBytes?: number;
  /** Time of day, for `stagedAt`. */
  readonly now?: () => Date;
}

export interface StageOptions extends StageLimits {
  /** What was found complete; a file that is another one by now is not read. */
  readonly expected?: FileSample;
}

/** Bytes that are read once. */
export interface StageSource {
  readonly sizeBytes: number;
  readonly next: NextBlock;
  /** Whether all that was read is of one file; asked at its end. */
  readonly unchanged: () => Promise<boolean>;
}

export interface StagerOptions {
  readonly maxExpandedBytes: number;
  readonly maxFileBytes: number | undefined;
  readonly now: () => Date;
}

/** The file is not what it was: it is not complete yet. The caller waits, or reports it. */
export class FileChanged extends Error {
  constructor(name: string) {
    super(`${printableName(name)} changed while it was read`);
    this.name = 'FileChanged';
  }
}

/** undefined: it is not. */
export function fileTooLarge(
  name: string,
  sizeBytes: number,
  maxFileBytes = Number.POSITIVE_INFINITY,
): Fault | undefined {
  if (sizeBytes <= maxFileBytes) return undefined;
  return new Fault(
    'file_refused',
    `${printableName(name)} has ${bytesText(sizeBytes)}, and a file may have ${bytesText(maxFileBytes)} (intake.maxFileMiB); it was not read`,
    'Split it, or raise intake.maxFileMiB.',
  );
}

/** Throws what stageBytes throws; Fault `unsupported_file` of what is no regular file. */
async function stageOpenFile(store: Store, handle: FileHandle, options: StageOptions): Promise<StagedFile> {
  const before = await handle.stat();
  if (!before.isFile()) throw new Fault('unsupported_file', `${printableName(options.name)} is not a regular file`);
  const sample = sampleOf(before);
  if (options.expected !== undefined && !sameSample(sample, options.expected)) throw new FileChanged(options.name);
  const unchanged = async (): Promise<boolean> => sameSample(sampleOf(await handle.stat()), sample);
  return stageBytes(store, { sizeBytes: sample.sizeBytes, next: nextBlockOf(handle), unchanged }, options);
}

/**
 * Stages what is read from a source. Throws FileChanged, Fault('store'), Fault('file_refused') of one that is too large, or the error of a read. A
 * FileRefusal of gunzip is no error: it becomes `refusal` of the staged file, for the workflow to say.
 */
export async function stageBytes(store: Store, source: StageSource, options: StageLimits): Promise<StagedFile> {
  const tooLarge = fileTooLarge(options.name, source.sizeBytes, options.maxFileBytes);
  if (tooLarge !== undefined) throw tooLarge;

  const reader = new HashingReader(source.next);
  let contentBytes = 0;
  const count = (bytes: number): void => {
    contentBytes += bytes;
  };
  const finish = async (): Promise<StagedFile> => {
    const { sizeBytes, sha256 } = await reader.finish();
    if (sizeBytes !== source.sizeBytes || !(await source.unchanged())) throw new FileChanged(options.name);
    const { name, format, gzip, now = () => new Date() } = options;
    return { sha256, name, format, gzip, sizeBytes, contentBytes, stagedAt: now().toISOString() };
  };

  let staged: StagedFile | undefined;
  let earlier: StagedFile | undefined;
  try {
    const blocks = reader.blocks();
    const content = counted(options.gzip ? gunzip(blocks, options) : blocks, count);
    await store.putHashed(content, async () => {
      staged = await finish();
      earlier = await readStagedFile(store, staged.sha256);
      const key = contentKey(staged.sha256);
      const stored = earlier !== undefined && (await store.size(key)) === earlier.contentBytes;
      return stored && keepsContent(earlier, staged) ? undefined : key;
    });
  } catch (error) {
    if (!(error instanceof FileRefusal)) throw error;
    contentBytes = 0;
    staged = { ...(await finish()), refusal: { code: error.code, message: error.message } };
    earlier = await readStagedFile(store, staged.sha256);
  }
  if (staged === undefined) throw new Fault('store', 'the store did not take the content', 'Report this as a bug.');
  return remember(store, earlier, staged);
}

/** Whether the content that an earlier drop of the same bytes left is what this drop stands for. */
const keepsContent = (earlier: StagedFile | undefined, now: StagedFile): boolean =>
  earlier !== undefined && earlier.refusal === undefined && (earlier.gzip === now.gzip || !now.gzip);

/** Writes file.json unless an earlier drop of the same bytes did. A drop under a mended extension corrects format and refusal; the name stays. */
async function remember(store: Store, earlier: StagedFile | undefined, now: StagedFile): Promise<StagedFile> {
  if (earlier === undefined) {
    await writeStagedFile(store, now);
    return now;
  }
  // A refusal never replaces content that was staged whole: a delivery may be reading it.
  if (earlier.refusal === undefined && (now.refusal !== undefined || keepsContent(earlier, now))) {
    if (earlier.format === now.format || now.refusal !== undefined) return earlier;
    const mended: StagedFile = { ...earlier, format: now.format };
    await writeStagedFile(store, mended);
    return mended;
  }
  if (earlier.refusal !== undefined && now.refusal !== undefined && earlier.refusal.code === now.refusal.code)
    return earlier;
  const mended: StagedFile = { ...now, name: earlier.name, stagedAt: earlier.stagedAt };
  await writeStagedFile(store, mended);
  return mended;
}

/** Stages the regular file at `path`; symbolic links and FIFOs are not opened. Errors: see stageOpenFile, and those of open(2). */
export async function stageFile(store: Store, path: string, options: StageOptions): Promise<StagedFile> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    return await stageOpenFile(store, handle, options);
  } finally {
    await handle.close();
  }
}

/** How the files of an inbox are staged, each as it was found complete. */
export function stagerOf(
  store: Store,
  { maxExpandedBytes, maxFileBytes, now }: StagerOptions,
): (file: {
  readonly name: string;
  readonly path: string;
  readonly kind: DetectedFormat;
  readonly sample: FileSample | undefined;
}) => Promise<StagedFile> {
  const limit = maxFileBytes === undefined ? {} : { maxFileBytes };
  return ({ name, path, kind, sample }) => {
    const expected = sample === undefined ? {} : { expected: sample };
    return stageFile(store, path, { ...kind, name, maxExpandedBytes, now, ...limit, ...expected });
  };
}

/** For `wds send FILE`: no claim, the original stays, a symbolic link is followed. Everything a person can mend is a Fault. */
export async function stageForSending(store: Store, path: string, options: StageOptions): Promise<StagedFile> {
  const name = printableName(options.name);
  try {
    return await stageFile(store, await realpath(path), options);
  } catch (error) {
    if (error instanceof FileChanged) {
      throw new Fault('file_refused', error.message, 'Wait until it is written to its end, then send it again.');
    }
    switch (errnoOf(error)) {
      case 'ENOENT':
        throw new Fault('not_found', `there is no file ${name}`, 'Check the path.', { cause: error });
      case 'EACCES':
        throw new Fault('file_refused', `${name} cannot be read: permission denied`, 'Grant read permission.', {
          cause: error,
        });
      default:
        throw error;
    }
  }
}
