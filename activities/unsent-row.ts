/** A row that an attempt is to send, as far as it is known. */
import type { EndpointHealth } from '../src/endpoint/health.ts';
import type { ChunkRow } from '../src/store/chunks.ts';
import type { OpenRow } from './row-outcomes.ts';

/** As it lies in the chunk, if no receipt mentions it: an attempt has thousands of those, and opens each when its wave goes out. */
export type UnsentRow = ChunkRow | OpenRow;

export const isOpen = (row: UnsentRow): row is OpenRow => 'unknown' in row;

/** Somebody may have got it already. */
export const isRisky = (row: UnsentRow): boolean => isOpen(row) && row.unknown > 0;

/** Whether an ill endpoint is back is better asked with another: somebody may have got this one already, or it fails again and again. */
export const isPoorProbe = (row: UnsentRow, health: EndpointHealth): boolean =>
  isRisky(row) || (isOpen(row) && health.isSpent(row.id));

/** Failed, or may have been accepted, or refused as if by the endpoint's fault, before. */
export const wasTried = (row: UnsentRow): boolean =>
  isOpen(row) && (row.unknown > 0 || row.firstFailureMs !== undefined || row.refusedBefore);
