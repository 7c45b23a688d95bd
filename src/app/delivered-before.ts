/** What the home knows of earlier deliveries of the same bytes, without asking Temporal. */
import { Fault } from '../domain/failure.ts';
import { deliveriesOf } from '../store/delivery-record.ts';
import type { StorePlace } from '../store/open-store.ts';
import { openKnownStore } from '../store/open-store.ts';
import { reportFolderName } from '../store/report-shelf.ts';

export interface DeliveredBefore {
  readonly endpoint: string;
  /** ISO 8601. */
  readonly firstSubmittedAt: string;
  /** As its last report says; null: there is none yet. */
  readonly delivered: number | null;
  readonly alerts: number | null;
  readonly reportedAt: string | null;
}

/** Of each endpoint that the file was submitted to; a home that is not there knows of none, and is not made. */
export async function deliveredBefore(at: StorePlace, sha256: string): Promise<DeliveredBefore[]> {
  const opened = await openKnownStore(at).catch((error: unknown) => {
    if (error instanceof Fault && error.code === 'not_found') return undefined;
    throw error;
  });
  if (opened === undefined) return [];
  const records = await deliveriesOf(opened.store, sha256);
  return Promise.all(
    records.map(async ({ endpoint, fileName, firstSubmittedAt }) => {
      const {
        delivered = null,
        alerts = null,
        writtenAt: reportedAt = null,
      } = (await opened.reports.earlier(reportFolderName(fileName, sha256, endpoint))) ?? {};
      return { endpoint, firstSubmittedAt, delivered, alerts, reportedAt };
    }),
  );
}
