/** Rows of a chunk as they go on their way: with their ID, the body of their request, and what their receipts say. */
import { ColumnNotCarried, requestBody } from '../src/domain/body/template.ts';
import type { SendTarget } from '../src/domain/contracts.ts';
import type { Endpoint } from '../src/domain/endpoint.ts';
import type { PlanOptions, RowToSend } from '../src/domain/ledger/plan.ts';
import { neverSent } from '../src/domain/ledger/plan.ts';
import { webhookId } from '../src/domain/names.ts';
import type { ChunkRow } from '../src/store/chunks.ts';
import { templateFailure } from './failures.ts';
import type { OpenRow } from './row-outcomes.ts';
import type { UnsentRow } from './unsent-row.ts';
import { isOpen } from './unsent-row.ts';

/** What it needs of an attempt. */
interface Opening {
  readonly target: SendTarget;
  readonly plan: PlanOptions;
  readonly session: { readonly endpoint: Endpoint };
}

/** All rows of a file carry the same columns. Throws where the template of the endpoint needs another one: it was changed since the file was read. */
export function requireColumns(body: string | undefined, { name, body: template }: Endpoint): void {
  try {
    if (body !== undefined && template !== undefined) requestBody(body, template);
  } catch (error) {
    if (error instanceof ColumnNotCarried) throw templateFailure(name, error.column);
    throw error;
  }
}

export function openRow(
  { target, plan, session }: Opening,
  { line, body }: ChunkRow,
  { attempts, firstFailureMs, refused, unknown, unknownLimit, triedAtMs }: RowToSend,
): OpenRow {
  // One for each alert: made at once, without a spread.
  return {
    line,
    id: webhookId(target.endpoint, target.sha256, line),
    body: requestBody(body, session.endpoint.body),
    attempts,
    firstFailureMs,
    unknown,
    unknownLimit,
    triedAtMs,
    othersGotThrough: firstFailureMs !== undefined && plan.lastSuccessMs > firstFailureMs,
    refusedBefore: refused,
    ended: false,
    status: undefined,
    reason: '',
  };
}

/** Opens rows that are not open yet. */
export function opener(attempt: Opening): (row: UnsentRow) => OpenRow {
  const fresh = neverSent(attempt.plan);
  return (row) => (isOpen(row) ? row : openRow(attempt, row, fresh));
}
