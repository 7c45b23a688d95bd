/**
 * `wds find`: where a user is among all files of a home, and what became of each alert. From the store alone, without Temporal; also where chunks were
 * deleted, for the users of each window are saved apart from them.
 */
import { rowName } from '../domain/ledger/row-names.ts';
import { webhookId } from '../domain/names.ts';
import { parseKey } from '../domain/parse-options.ts';
import { UserHashes } from '../formats/seen-users.ts';
import type { DeliveryRecord } from '../store/delivery-record.ts';
import { deliveriesOf } from '../store/delivery-record.ts';
import type { OpenedStore, StorePlace } from '../store/open-store.ts';
import { openKnownStore } from '../store/open-store.ts';
import { rowOutcome } from '../store/report-rows.ts';
import type { RowEnd } from '../store/report-stats.ts';
import type { UserHit } from '../store/scan-users.ts';
import { saveEarlierUsers } from './save-earlier-users.ts';

/** One row of one file, at one endpoint: exactly what `-o json` prints. */
export interface FoundAlert {
  readonly file: string;
  readonly sha256: string;
  readonly endpoint: string;
  readonly workflowId: string;
  readonly line: number;
  /** `duplicate`: once a message, an earlier file has said it. */
  readonly outcome: RowEnd | 'duplicate';
  /** HTTP status of the last answer; null: there was none. */
  readonly status: number | null;
  readonly attempts: number;
  /** Of the last thing that happened to it, ISO 8601; null: nothing has yet. */
  readonly at: string | null;
  /** Why, where it was not delivered; the start of the answer with it. */
  readonly reason: string;
  /** Requests that the receiver may have acted on without wds knowing. */
  readonly unknownAnswers: number;
  readonly webhookId: string;
  readonly submittedAt: string;
}

export interface FoundUser {
  readonly userId: string;
  /** Newest submission first. */
  readonly alerts: readonly FoundAlert[];
  /** How many more there are, beyond the limit. */
  readonly more: number;
  /** Files that could not be searched: a version of before has read them, and their rows were deleted; or they are not read yet. */
  readonly unsearched: readonly string[];
}

export interface FindOptions {
  readonly at: StorePlace;
  readonly userId: string;
  readonly limit: number;
  /** Told where something is done once that takes longer. */
  readonly say: (text: string) => void;
}

export type FindUser = (options: FindOptions) => Promise<FoundUser>;

interface Delivery {
  readonly hit: UserHit;
  readonly record: DeliveryRecord;
}

/** Throws Fault `not_found` where there is no home. */
export const findUser: FindUser = async ({ at, userId, limit, say }) => {
  const home = await openKnownStore(at);
  const { names, unsearched } = await saveEarlierUsers(home, say);
  const deliveries: Delivery[] = [];
  for (const hit of await hitsOf(home, names, userId)) {
    const records = await deliveriesOf(home.store, hit.sha256);
    // Read for another endpoint, with other options: then its lines and chunks say nothing of this one.
    for (const record of records) if (parseKey(record.parse) === hit.parseKey) deliveries.push({ hit, record });
  }
  deliveries.sort((a, b) => b.record.firstSubmittedAt.localeCompare(a.record.firstSubmittedAt));
  const alerts: FoundAlert[] = [];
  for (const delivery of deliveries.slice(0, limit)) alerts.push(await alertOf(home, delivery));
  return { userId, alerts, more: deliveries.length - alerts.length, unsearched };
};

/** Where the user is in these windows. */
export function hitsOf(
  { users }: Pick<OpenedStore, 'users'>,
  names: readonly string[],
  userId: string,
): Promise<UserHit[]> {
  const hashes = new UserHashes(userId);
  return users.find(names, (sha256) => hashes.in(sha256));
}

async function alertOf({ ledgers }: OpenedStore, { hit, record }: Delivery): Promise<FoundAlert> {
  const { fileName: file, sha256, endpoint, workflowId, firstSubmittedAt: submittedAt } = record;
  const { line, chunk } = hit;
  const state = (await ledgers.read({ sha256, endpoint, chunk })).get(line);
  const outcome = state?.duplicateOf ? 'duplicate' : rowOutcome(state, undefined);
  const movedTo = state?.movedTo ?? '';
  return {
    file,
    sha256,
    endpoint,
    workflowId,
    line,
    outcome,
    status: state?.status ?? null,
    attempts: state?.attempts ?? 0,
    at: state === undefined || state.atMs === 0 ? null : new Date(state.atMs).toISOString(),
    reason:
      movedTo === '' || movedTo === rowName({ sha256 }, line) ? (state?.reason ?? '') : `taken over by ${movedTo}`,
    unknownAnswers: (state?.unknown ?? 0) + (state?.maybeTwice ? 1 : 0),
    webhookId: webhookId(endpoint, sha256, line),
    submittedAt,
  };
}
