/** `wds send` and `wds retry`: files are staged, submitted, and followed to their ends, all of them side by side. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { deliveryTo } from '../config/settings.ts';
import { detectFormat, unsupportedFile } from '../formats/detect.ts';
import type { DiskGuard } from '../intake/disk-guard.ts';
import { fileTooLarge, stageForSending } from '../intake/stage.ts';
import type { DeliveryRecord } from '../store/delivery-record.ts';
import { isErrno } from '../thrown.ts';
import type { DeliveryObserver, FileEnd } from './app.ts';
import type { FollowContext } from './follow.ts';
import { follow } from './follow.ts';
import { missingFile } from './missing-file.ts';
import { storeGuard } from './store-guard.ts';
import { submitFile } from './submit-file.ts';

/** Tells of the files that nothing can be made of, by their names and whether they are there: how each of them ended. */
export async function refuseUnfit(
  files: readonly string[],
  observer: DeliveryObserver,
): Promise<ReadonlyMap<string, FileEnd>> {
  const ends = new Map<string, FileEnd>();
  for (const file of new Set(files)) {
    const fault = (await isMissing(file)) ? missingFile(file) : formatOf(file) === undefined && unsupportedFile(file);
    if (!fault) continue;
    const end: FileEnd = { kind: 'failed', file, fault };
    ends.set(file, end);
    observer.ended(end);
  }
  return ends;
}

const formatOf = (file: string) => detectFormat(basename(file));
const isMissing = (file: string): Promise<boolean> =>
  stat(file).then(
    () => false,
    (error: unknown) => isErrno(error, 'ENOENT', 'ENOTDIR'),
  );
/** Stages, submits and follows each file; the workers are there, or somebody else's. */
export async function sendFiles(files: readonly string[], context: FollowContext): Promise<readonly FileEnd[]> {
  // One for all of them: each may fit, and not all together.
  const guard = storeGuard(context.installation.settings);
  await guard.look();
  const ends = files.map(async (file): Promise<FileEnd> => {
    const end = await sendFile(file, guard, context).catch(
      (error: Error): FileEnd => ({ kind: 'failed', file, fault: error }),
    );
    context.observer.ended(end);
    return end;
  });
  return Promise.all(ends);
}

/** Begins a new round for each delivery, and follows it. */
export async function retryDeliveries(
  records: readonly DeliveryRecord[],
  unconfirmed: boolean,
  context: FollowContext,
): Promise<readonly FileEnd[]> {
  const { installation, endpoint, priority, observer, pressedMs } = context;
  // Whoever retries has seen how the first ones went.
  const delivery = deliveryTo(endpoint, { ...installation.settings.statedDelivery, first: undefined });
  const ends = records.map(async (record): Promise<FileEnd> => {
    const startedMs = performance.now();
    const submitted = await installation.deliveries.start(record, delivery, {
      reopenUnconfirmed: unconfirmed,
      priority,
      pressedMs,
    });
    const end = await follow({ file: record.fileName, sha256: record.sha256, submitted, startedMs }, context);
    observer.ended(end);
    return end;
  });
  return Promise.all(ends);
}

async function sendFile(file: string, guard: DiskGuard, context: FollowContext): Promise<FileEnd> {
  const { installation, endpoint, priority, pressedMs } = context;
  const { store, settings } = installation;
  const { maxExpandedBytes, maxFileBytes } = settings;
  const startedMs = performance.now();
  const fileName = basename(file);
  const kind = formatOf(file);
  if (kind === undefined) throw unsupportedFile(file);
  const { size } = await stat(file);
  const tooLarge = fileTooLarge(fileName, size, maxFileBytes);
  if (tooLarge !== undefined) throw tooLarge;
  await guard.require(fileName, size, kind.gzip);
  const staged = await stageForSending(store, file, { ...kind, name: fileName, maxExpandedBytes, maxFileBytes });
  const submitted = await submitFile(installation, endpoint, { staged, fileName, priority, pressedMs });
  return follow({ file, sha256: staged.sha256, submitted, startedMs }, context);
}
