/**
 * `wds resend`: one alert again, on purpose. It becomes a file of its own, of one row, and is delivered as every file is: once, with receipts and a report;
 * so nothing about the receipts of the first file changes, and its row has a new `webhook-id`. The file says which row it resends, and the how many-th
 * time that is: pressed twice at once, or again after a crash, it is the same file, and one alert.
 */
import { createHash } from 'node:crypto';
import { deliveryTo } from '../config/settings.ts';
import { readRowBody } from '../domain/body/template.ts';
import { Fault } from '../domain/failure.ts';
import { rowName } from '../domain/ledger/row-names.ts';
import type { ParseOptions } from '../domain/parse-options.ts';
import { DEFAULT_PARSE_OPTIONS, parseKey } from '../domain/parse-options.ts';
import { ChunksMissing, readChunk } from '../store/chunks.ts';
import type { DeliveryRecord } from '../store/delivery-record.ts';
import { readDeliveryRecord } from '../store/delivery-record.ts';
import { rememberName } from '../store/file-names.ts';
import { contentKey } from '../store/layout.ts';
import type { OpenedStore } from '../store/open-store.ts';
import type { StagedFile } from '../store/staged-file.ts';
import { writeStagedFile } from '../store/staged-file.ts';
import type { FileEnd } from './app.ts';
import { hitsOf } from './find-user.ts';
import type { FollowContext } from './follow.ts';
import { follow } from './follow.ts';
import { saveEarlierUsers } from './save-earlier-users.ts';

const LONGEST_NAME = 100;

/** The file that is to be delivered. */
export interface Resend {
  readonly fileName: string;
  readonly content: string;
  readonly parse: Omit<ParseOptions, 'format'>;
}

interface Alert {
  readonly line: number;
  readonly userId: string;
  readonly alertMessage: string;
  /** That the body template of its endpoint needed. */
  readonly columns?: Readonly<Record<string, string>>;
}

/** Throws Fault `not_found` where the user has no alert in the file, or its text is gone; `usage` where there is nothing to send *again*. */
export async function prepareResend(
  home: OpenedStore,
  record: DeliveryRecord,
  userId: string,
  say: (text: string) => void,
): Promise<Resend> {
  const alert = await deliveredAlert(home, record, userId, say);
  const { fileName } = record;
  for (let number = 1; ; number++) {
    const content = contentOf(record, alert, number);
    if (await wasSent(home, { sha256: hashOf(content), endpoint: record.endpoint })) continue;
    const parse = { ...DEFAULT_PARSE_OPTIONS, ...namesIn(alert) };
    return { fileName: `resend-${number}-line-${alert.line}-${fileName.slice(-LONGEST_NAME)}.ndjson`, content, parse };
  }
}

const namesIn = ({ columns }: Alert): Partial<ParseOptions> =>
  columns === undefined
    ? {}
    : { userIdColumn: USER, alertMessageColumn: MESSAGE, columns: Object.keys(columns).sort() };

async function deliveredAlert(
  home: OpenedStore,
  record: DeliveryRecord,
  userId: string,
  say: (text: string) => void,
): Promise<Alert> {
  const { sha256, endpoint, fileName } = record;
  const { names } = await saveEarlierUsers(home, say);
  const own = names.filter((name) => name.startsWith(`${sha256}.${parseKey(record.parse)}.`));
  const [hit] = await hitsOf(home, own, userId);
  if (hit === undefined) {
    throw new Fault('not_found', `${fileName} has no alert for this user`, 'wds find lists the files that have one.');
  }
  const { line, chunk } = hit;
  const state = (await home.ledgers.read({ sha256, endpoint, chunk })).get(line);
  const digits = sha256.slice(0, 12);
  if (state?.movedTo) {
    throw new Fault('usage', `line ${line} of ${fileName} was mended by ${state.movedTo}`, 'Resend it from that file.');
  }
  if (state?.outcome !== 'delivered') {
    const outcome = state?.outcome ?? 'pending';
    const next = outcome === 'unconfirmed' ? `wds retry ${digits} --unconfirmed` : `wds retry ${digits}`;
    throw new Fault(
      'usage',
      `the alert on line ${line} of ${fileName} is ${outcome}: there is nothing to send again`,
      outcome === 'suppressed'
        ? 'Take the user off the suppression list, and drop the row of suppressed.csv.'
        : outcome === 'pending'
          ? 'It is sent with its file.'
          : `What was not delivered is sent by: ${next}`,
    );
  }
  try {
    const row = (await readChunk(home.store, hit)).find((one) => one.line === line)!;
    return { line, ...readRowBody(row.body) };
  } catch (error) {
    if (!(error instanceof ChunksMissing)) throw error;
    const next = `wds retry ${digits}, or dropping the file again, reads them anew, and sends nothing.`;
    throw new Fault('not_found', `the rows of ${fileName} are not in the store any more (chunks-… was deleted)`, next);
  }
}

/** Whether it has reached the user, or may have: then the next one is another alert. */
async function wasSent({ store, ledgers }: OpenedStore, of: { readonly sha256: string; readonly endpoint: string }) {
  if ((await readDeliveryRecord(store, of)) === undefined) return false;
  const outcome = (await ledgers.read({ ...of, chunk: 1 })).get(1)?.outcome;
  return outcome === 'delivered' || outcome === 'unconfirmed';
}

/** The reader ignores all but user, message and the columns. Where there are columns, no name of wds's own may be one of theirs. */
function contentOf(of: { readonly sha256: string }, alert: Alert, number: number): string {
  const { line, userId, alertMessage, columns } = alert;
  const resends = rowName(of, line);
  const own =
    columns === undefined
      ? { userId, alertMessage, resends, number }
      : { [USER]: userId, [MESSAGE]: alertMessage, wdsResends: resends, wdsNumber: number };
  return `${JSON.stringify({ ...columns, ...own })}\n`;
}

const USER = 'wdsUserId';
const MESSAGE = 'wdsAlertMessage';

const hashOf = (content: string): string => createHash('sha256').update(content).digest('hex');

/** Submits and follows it; the workers are there, or somebody else's. Once a message would find that the user has it. */
export async function resendAlert({ fileName, content, parse }: Resend, context: FollowContext): Promise<FileEnd> {
  const { installation, endpoint, priority, pressedMs, observer } = context;
  const { store, settings, deliveries } = installation;
  const startedMs = performance.now();
  const sha256 = hashOf(content);
  const sizeBytes = Buffer.byteLength(content);
  const staged: StagedFile = {
    ...{ sha256, name: fileName, format: 'ndjson', gzip: false, sizeBytes, contentBytes: sizeBytes },
    stagedAt: new Date().toISOString(),
  };
  await store.put(contentKey(sha256), content);
  await writeStagedFile(store, staged);
  await rememberName(store, fileName, { sha256, endpoint: endpoint.name });
  const { once: _again, ...delivery } = deliveryTo(endpoint, settings.statedDelivery);
  const submitted = await deliveries.submit({
    ...{ staged, fileName, endpoint: endpoint.name, parse, delivery, priority, pressedMs },
  });
  const end = await follow({ file: fileName, sha256, submitted, startedMs }, context);
  observer.ended(end);
  return end;
}
