/**
 * Names of everything in the store. One folder a file, named by the SHA-256 of the dropped bytes:
 *
 *   <sha>/file.json                        StagedFile: what was dropped
 *   <sha>/content                          the bytes (gzip expanded)
 *   <sha>/chunks-<parseKey>/0001.json      window: counts, where its chunks lie, the next cursor (written last: its commit)
 *   <sha>/chunks-<parseKey>/0001.alerts    window: the chunks' rows
 *   <sha>/chunks-<parseKey>/0001.rejects   window: invalid and duplicate rows
 *   <sha>/chunks-<parseKey>/0001.seen      window: hashes of the users first seen in it
 *   <sha>/chunks-<parseKey>/refusal.json   why the file was refused as a whole
 *   <sha>/<endpoint>/delivery.json         how the file is delivered to that endpoint
 *   <sha>/<endpoint>/000001.1              journal of chunk 1, epoch 1
 *   <sha>/<endpoint>/row-42.1              journal of the stubborn alert on line 42, epoch 1
 */

const folder = (sha256: string, parseKey: string, window: number, kind: string): string =>
  `${sha256}/chunks-${parseKey}/${String(window).padStart(4, '0')}.${kind}`;

export const fileKey = (sha256: string): string => `${sha256}/file.json`;
export const contentKey = (sha256: string): string => `${sha256}/content`;
export const windowKey = (sha256: string, parseKey: string, window: number): string =>
  folder(sha256, parseKey, window, 'json');
export const alertsKey = (sha256: string, parseKey: string, window: number): string =>
  folder(sha256, parseKey, window, 'alerts');
export const rejectsKey = (sha256: string, parseKey: string, window: number): string =>
  folder(sha256, parseKey, window, 'rejects');
export const seenKey = (sha256: string, parseKey: string, window: number): string =>
  folder(sha256, parseKey, window, 'seen');

/** Why the file was refused as a whole; may show text from the file, so it stays out of Temporal's history. */
export const refusalKey = (sha256: string, parseKey: string): string => `${sha256}/chunks-${parseKey}/refusal.json`;

export const receiptsPrefix = (sha256: string, endpoint: string): string => `${sha256}/${endpoint}`;
export const deliveryKey = (sha256: string, endpoint: string): string => `${sha256}/${endpoint}/delivery.json`;
export const chunkJournalKey = (sha256: string, endpoint: string, chunk: number, epoch: number): string =>
  `${sha256}/${endpoint}/${String(chunk).padStart(6, '0')}.${epoch}`;
export const rowJournalKey = (sha256: string, endpoint: string, line: number, epoch: number): string =>
  `${sha256}/${endpoint}/row-${line}.${epoch}`;
