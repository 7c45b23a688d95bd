/** The alerts of all files, each with its receipt and its requests; and which of them take each other's place (mended rows of one user). */
import { webhookId } from '../src/domain/names.ts';
import type { FileEvidence, Receipt } from './evidence.ts';
import type { InputRow } from './inputs.ts';
import type { LoggedRequest } from './receiver-log.ts';

export interface JudgedRow {
  /** `<sha256>:<line>` */
  readonly key: string;
  /** For people: file, line, user. */
  readonly name: string;
  readonly input: InputRow;
  readonly presses: number;
  readonly receipt: Receipt | undefined;
  readonly inFailed: boolean;
  readonly isAmbiguous: boolean;
  readonly requests: readonly LoggedRequest[];
}

export interface Grouped {
  /** Each is one alert, as its user sees it: a row, and all rows that mend it for the same user. */
  readonly groups: readonly (readonly JudgedRow[])[];
  /** Requests for what is in no file. */
  readonly strangers: readonly LoggedRequest[];
}

export interface GroupingInput {
  readonly endpoint: string;
  readonly files: readonly FileEvidence[];
  readonly requests: readonly LoggedRequest[];
}

export function groupRows({ endpoint, files, requests }: GroupingInput): Grouped {
  const byId = new Map<string, LoggedRequest[]>();
  for (const request of requests) {
    const known = byId.get(request.id);
    if (known === undefined) byId.set(request.id, [request]);
    else known.push(request);
  }
  const groups = new Map<string, JudgedRow[]>();
  const roots = new Map<string, string>();
  for (const file of files) {
    const { input, report, presses } = file;
    const receipts = new Map(report?.receipts.map((receipt) => [receipt.line, receipt]));
    const [failed, ambiguous] = [new Set(report?.failed), new Set(report?.ambiguous)];
    for (const row of input.rows.filter(({ is }) => is === 'alert')) {
      const key = `${input.sha256}:${row.line}`;
      const root = rootOf(key, row, groups, roots);
      const id = webhookId(endpoint, input.sha256, row.line);
      const judged = {
        key,
        name: `${input.name}:${row.line} ${row.user}`,
        input: row,
        presses,
        receipt: receipts.get(row.line),
        inFailed: failed.has(row.line),
        isAmbiguous: ambiguous.has(row.line),
        requests: byId.get(id) ?? [],
      };
      byId.delete(id);
      groups.set(root, [...(groups.get(root) ?? []), judged]);
    }
  }
  return { groups: [...groups.values()], strangers: [...byId.values()].flat() };
}

/** Files come in the order in which they were dropped, so an origin is known before the row that mends it. */
function rootOf(
  key: string,
  { origin, user }: InputRow,
  groups: ReadonlyMap<string, readonly JudgedRow[]>,
  roots: Map<string, string>,
): string {
  const originRoot = origin === undefined ? undefined : roots.get(origin);
  const sameUser = originRoot !== undefined && groups.get(originRoot)?.[0]?.input.user === user;
  // Rows that mend a row of somebody else for the same user take each other's place.
  const root = origin === undefined ? key : originRoot !== undefined && sameUser ? originRoot : `${origin} ${user}`;
  roots.set(key, root);
  return root;
}
