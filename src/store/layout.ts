/**
 * Names of everything in the store. One folder a file, named by the SHA-256 of the dropped bytes:
 *
 *   <sha>/file.json                        StagedFile: what was dropped
 *   <sha>/content                          the bytes (gzip expanded)
 *   <sha>/pruned.json                      that parts of it were removed on purpose (pruned.ts)
 *   <sha>/redacting.json                   that a user is being taken out of a window of it (redaction.ts)
 *   <sha>/chunks-<parseKey>/0001.json      window: counts, where its chunks lie, the next cursor (written last: its commit)
 *   <sha>/chunks-<parseKey>/0001.alerts    window: the chunks' rows
 *   <sha>/chunks-<parseKey>/0001.rejects   window: invalid and duplicate rows
 *   users/<sha>.<parseKey>.0001            window: hashes of the users first seen in it (saved-users.ts); stays when chunks are deleted
 *   <sha>/chunks-<parseKey>/refusal.json   why the file was refused as a whole
 *   <sha>/<endpoint>/delivery.json         how the file was submitted to that endpoint
 *   <sha>/<endpoint>/options.json          the parse options that its receipts belong to: settled before the first alert
 *   <sha>/<endpoint>/rounds/000001         which run of the workflow made the first try at the file
 *   <sha>/<endpoint>/000001/000007.journal chunk 1, epoch 7: the journal of one attempt
 *   <sha>/<endpoint>/000001/000031.base    what the journals came to that the attempt of epoch 31 folded
 *   <sha>/<endpoint>/000001/ledger         in a bucket: all of that in one object (chunk-object.ts)
 *   <sha>/<endpoint>/000001/late-7         in a bucket: what the attempt of epoch 7 has said since it was superseded
 *   <sha>/<endpoint>/1000000004/…          receipts of places (origins.ts), as of a chunk: of lines 4000 to 4999
 *   <sha>/<endpoint>/once/000018           the file may have this number among those that are sent once a message (src/store/once/)
 *   <sha>/<endpoint>/000001.1, row-42.1    journals of before: of chunk 1, and of the stubborn alert on line 42
 *   forgotten/<ms>.<bytes>.<sha>           a user was erased from that file: dropped ones go from all inboxes (src/app/keeping/forgotten.ts)
 */

const folder = (sha256: string, parseKey: string, window: number, kind: string): string =>
  `${sha256}/chunks-${parseKey}/${String(window).padStart(4, '0')}.${kind}`;

export const fileKey = (sha256: string): string => `${sha256}/file.json`;
export const redactingKey = (sha256: string): string => `${sha256}/redacting.json`;
export const prunedKey = (sha256: string): string => `${sha256}/pruned.json`;
export const contentKey = (sha256: string): string => `${sha256}/content`;
export const windowKey = (sha256: string, parseKey: string, window: number): string =>
  folder(sha256, parseKey, window, 'json');
export const alertsKey = (sha256: string, parseKey: string, window: number): string =>
  folder(sha256, parseKey, window, 'alerts');
export const rejectsKey = (sha256: string, parseKey: string, window: number): string =>
  folder(sha256, parseKey, window, 'rejects');
export const USERS = 'users';
export const usersKey = (sha256: string, parseKey: string, window: number): string =>
  `${USERS}/${sha256}.${parseKey}.${String(window).padStart(4, '0')}`;
/** Where versions of before kept them, and those of a file's last window nowhere. */
export const oldSeenKey = (sha256: string, parseKey: string, window: number): string =>
  folder(sha256, parseKey, window, 'seen');

/** Why the file was refused as a whole; may show text from the file, so it stays out of Temporal's history. */
export const refusalKey = (sha256: string, parseKey: string): string => `${sha256}/chunks-${parseKey}/refusal.json`;

/** A delivery: a file at an endpoint. */
export interface DeliveryOf {
  readonly sha256: string;
  readonly endpoint: string;
}
export interface ChunkOf extends DeliveryOf {
  readonly chunk: number;
}

/** Beyond all chunks of a file: receipts that lie by lines. */
export const FIRST_PLACES_CHUNK = 1_000_000_000;

export const numbered = (value: number): string => String(value).padStart(6, '0');

export const deliveryPrefix = ({ sha256, endpoint }: DeliveryOf): string => `${sha256}/${endpoint}`;
export const deliveryKey = (of: DeliveryOf): string => `${deliveryPrefix(of)}/delivery.json`;
export const optionsKey = (of: DeliveryOf): string => `${deliveryPrefix(of)}/options.json`;
export const roundsPrefix = (of: DeliveryOf): string => `${deliveryPrefix(of)}/rounds`;
export const roundKey = (of: DeliveryOf, round: number): string => `${roundsPrefix(of)}/${numbered(round)}`;

export const ledgerPrefix = (of: ChunkOf): string => `${deliveryPrefix(of)}/${numbered(of.chunk)}`;
export const journalKey = (of: ChunkOf, epoch: number): string => `${ledgerPrefix(of)}/${numbered(epoch)}.journal`;
export const baseKey = (of: ChunkOf, epoch: number): string => `${ledgerPrefix(of)}/${numbered(epoch)}.base`;

/** In a bucket: names below ledgerPrefix. */
export const LEDGER = 'ledger';
export const LATE = 'late-';

/** Journals of before attempts of all kinds took their epochs from one counter. */
export const oldJournalKey = (of: ChunkOf, epoch: number): string =>
  `${deliveryPrefix(of)}/${numbered(of.chunk)}.${epoch}`;
export const oldRowJournalKey = (of: DeliveryOf, line: number, epoch: number): string =>
  `${deliveryPrefix(of)}/row-${line}.${epoch}`;
/** Whether a name directly below deliveryPrefix is one of these. */
export const isOldJournal = (name: string): boolean => /^(\d{6,}|row-\d+)\.\d+$/.test(name);
