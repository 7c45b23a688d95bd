/**
 * `wds verify`: holds a home against itself, without Temporal, also while wds works in it: contents against the hashes they are named by, rows against
 * their checksums, receipts against rows and against what the last report has counted. Changes nothing.
 */
import { createHash } from 'node:crypto';
import pMap from 'p-map';
import { deliveriesOf } from '../../../store/delivery-record.ts';
import { storedFiles } from '../../../store/file-names.ts';
import { readInstallationId } from '../../../store/installation-identity.ts';
import { contentKey, fileKey, prunedKey, redactingKey } from '../../../store/layout.ts';
import { readPruned } from '../../../store/pruned.ts';
import type { StagedFile } from '../../../store/staged-file.ts';
import { readStagedFile } from '../../../store/staged-file.ts';
import type { House } from '../house.ts';
import type { Looked, VerifyFinding } from './findings.ts';
import { Findings } from './findings.ts';
import { checkReceipts } from './receipts.ts';
import { checkRows } from './rows.ts';

export interface VerifyOptions {
  /** SHA-256s of the files to look at; undefined: all. */
  readonly only?: ReadonlySet<string> | undefined;
  readonly signal: AbortSignal;
  /** Called now and then. */
  readonly onProgress: (done: number, of: number) => void;
}

/** Exactly what `-o json` prints. */
export interface VerifyResult extends Looked {
  /** No fault was found in what was looked at. */
  readonly sound: boolean;
  readonly findings: readonly VerifyFinding[];
}

type OfHouse = Pick<House, 'store' | 'ledgers' | 'reports' | 'parts'>;

export async function verify(house: OfHouse, { only, signal, onProgress }: VerifyOptions): Promise<VerifyResult> {
  const looked: Looked = { files: 0, bytes: 0, chunks: 0, receipts: 0 };
  const ofStore = new Findings(looked);
  const files = (await storedFiles(house.store)).filter((sha256) => only?.has(sha256) ?? true);
  if (only === undefined) await checkStore(house, files.length, ofStore);
  const check = async (sha256: string): Promise<readonly VerifyFinding[]> => {
    if (signal.aborted) return [];
    const findings = new Findings(looked);
    await checkFile(house, sha256, findings);
    onProgress(++looked.files, files.length);
    return findings.all;
  };
  const findings = [...ofStore.all, ...(await pMap(files, check, { concurrency: house.parts.atOnce })).flat()];
  return { sound: !findings.some(({ weight }) => weight === 'fault'), ...looked, findings };
}

async function checkStore({ store }: OfHouse, files: number, findings: Findings): Promise<void> {
  const next =
    'Restore it from a backup, or write it anew with the identity that wds status or the name of a task queue tells.';
  await findings.guard('installation.json', next, async () => {
    if (files > 0 && (await readInstallationId(store)) === undefined) {
      findings.note(
        'installation.json',
        'the store has no identity: an earlier version made it',
        'The next wds up, send, watch or worker gives it one.',
      );
    }
  });
}

async function checkFile(house: OfHouse, sha256: string, findings: Findings): Promise<void> {
  const { store } = house;
  findings.about(sha256.slice(0, 12), sha256);
  let staged: StagedFile | undefined;
  await findings.guard(fileKey(sha256), 'Delete it, and drop the file again: nothing is sent twice.', async () => {
    staged = await readStagedFile(store, sha256);
  });
  findings.about(staged?.name ?? sha256.slice(0, 12), sha256);
  if (await store.exists(redactingKey(sha256))) {
    const next = 'Give the same wds forget again: it finishes what was broken off.';
    findings.fault(redactingKey(sha256), 'a user was being erased from this file, and that was broken off', next);
  }
  await findings.guard(contentKey(sha256), DROP_AGAIN, () => checkContent(house, sha256, staged, findings));
  const rows = await checkRows(house, sha256, findings);
  await findings.guard(sha256, 'Restore delivery.json and options.json of this file from a backup.', async () => {
    for (const record of await deliveriesOf(store, sha256)) await checkReceipts(house, record, rows, findings);
  });
}

const DROP_AGAIN = 'Delete it, and drop the file again: it is staged anew, and nothing is sent twice.';

async function checkContent(
  { store }: OfHouse,
  sha256: string,
  staged: StagedFile | undefined,
  findings: Findings,
): Promise<void> {
  const key = contentKey(sha256);
  const size = await store.size(key);
  if (size === undefined) {
    if (staged?.refusal !== undefined || (await readPruned(store, sha256)) !== undefined) return;
    const next = 'It is needed only to read the file again: drop it again, if you want it back. Nothing is sent twice.';
    findings.note(key, `it is not there, and ${prunedKey(sha256)} does not say that it was removed`, next);
    return;
  }
  if (staged !== undefined && size !== staged.contentBytes && staged.refusal === undefined) {
    findings.fault(key, `it has ${size} bytes of ${staged.contentBytes}`, DROP_AGAIN);
    return;
  }
  const hash = createHash('sha256');
  for await (const piece of store.readFrom(key, 0)) hash.update(piece);
  findings.looked.bytes += size;
  // What was unpacked has another hash than what was dropped.
  if (staged?.gzip === false && hash.digest('hex') !== sha256) {
    findings.fault(key, 'it is not what was dropped: its SHA-256 differs', DROP_AGAIN);
  }
}
