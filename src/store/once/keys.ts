/**
 * Names in the index of the rows that were, or are to be, sent to an endpoint:
 *
 *   once/<endpoint>/begun               there is one: from here on each file registers before it is sent
 *   once/<endpoint>/complete            what was sent before that is registered, too
 *   once/<endpoint>/files/000018        file number 18: which it is
 *   once/<endpoint>/rows/<sha>.1        its rows, sorted, in pieces, until they are merged into a run
 *   once/<endpoint>/index/000007        manifest: the runs there are, and the last file number in them; the newest holds
 *   once/<endpoint>/runs/<id>.rows      a run: rows of many files, sorted
 *   once/<endpoint>/runs/<id>.files     which files they are
 */
import type { DeliveryOf } from '../layout.ts';
import { deliveryPrefix, numbered } from '../layout.ts';

const root = (endpoint: string): string => `once/${endpoint}`;
export const begunKey = (endpoint: string): string => `${root(endpoint)}/begun`;
export const completeKey = (endpoint: string): string => `${root(endpoint)}/complete`;
export const filesPrefix = (endpoint: string): string => `${root(endpoint)}/files`;
export const fileNumberKey = (endpoint: string, number: number): string =>
  `${filesPrefix(endpoint)}/${numbered(number)}`;
export const rowsKey = (endpoint: string, { sha256 }: Pick<DeliveryOf, 'sha256'>, piece: number): string =>
  `${root(endpoint)}/rows/${sha256}.${piece}`;
export const indexPrefix = (endpoint: string): string => `${root(endpoint)}/index`;
export const manifestKey = (endpoint: string, number: number): string => `${indexPrefix(endpoint)}/${numbered(number)}`;
export const runRowsKey = (endpoint: string, id: string): string => `${root(endpoint)}/runs/${id}.rows`;
export const runFilesKey = (endpoint: string, id: string): string => `${root(endpoint)}/runs/${id}.files`;
export const triesPrefix = (of: DeliveryOf): string => `${deliveryPrefix(of)}/once`;
export const tryKey = (of: DeliveryOf, number: number): string => `${triesPrefix(of)}/${numbered(number)}`;
