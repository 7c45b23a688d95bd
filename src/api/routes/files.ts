/** `/files` and `/retry`: what became of files, and orders to them. */
import { Readable } from 'node:stream';
import { z } from 'zod';
import type { FileStatus } from '../../app/app.ts';
import { SeveralFiles } from '../../app/app.ts';
import type { Receipt, ServedApp } from '../../app/served.ts';
import { csvRecord } from '../../domain/csv-writer.ts';
import { Fault } from '../../domain/failure.ts';
import { deliveryQuery } from '../inbox.ts';
import type { Received } from '../received.ts';
import type { Answer, Route } from '../route.ts';
import { route } from '../route.ts';
import { fileId, fileList, fileStatus, receipt, retried, retryRequest } from '../schemas.ts';

const NOT_FOUND = { 404: { about: 'wds knows no such file' } };
const COLUMNS = ['userId', 'line', 'outcome', 'status', 'attempts', 'finishedAt', 'webhookId', 'reason'] as const;

export function fileRoutes(app: ServedApp, received: Received): readonly Route[] {
  const orders: readonly (readonly [string, string, (id: string, endpoint: string | undefined) => Promise<unknown>])[] =
    [
      [
        'pause',
        'Sends nothing more of a file until it is resumed',
        (id, endpoint) => app.pauseFile(id, true, endpoint),
      ],
      ['resume', 'Goes on with a file that was paused', (id, endpoint) => app.pauseFile(id, false, endpoint)],
      ['approve', 'Goes on with a file that waits for a decision', (id, endpoint) => app.approveFile(id, endpoint)],
      [
        'cancel',
        'Ends the delivery of a file, and waits a while for its end',
        (id, endpoint) => app.cancelFile(id, endpoint),
      ],
    ];
  return [
    route(
      {
        method: 'GET',
        url: '/files',
        operation: 'listFiles',
        about: 'The newest files',
        asks: { query: z.object({ limit: z.coerce.number().int().min(1).max(1_000).default(20) }) },
        answers: { 200: { about: 'Newest first', schema: fileList } },
      },
      async ({ query: { limit } }) => ({ status: 200, body: { files: (await app.status({ limit })).files } }),
    ),
    route(
      {
        method: 'GET',
        url: '/files/:id',
        operation: 'getFile',
        about: 'A file, as it is now',
        asks: { params: fileId, query: deliveryQuery },
        answers: { 200: { about: 'Its state and its counts', schema: fileStatus }, ...NOT_FOUND },
      },
      async ({ params: { id }, query: { endpoint } }) => ({
        status: 200,
        body: await fileOrReceived(app, received, id, endpoint),
      }),
    ),
    route(
      {
        method: 'GET',
        url: '/files/:id/receipts',
        operation: 'getReceipts',
        about: 'What became of each alert of a file, as it is now',
        asks: { params: fileId, query: deliveryQuery.extend({ format: z.enum(['csv', 'ndjson']).default('csv') }) },
        answers: {
          200: {
            about: 'In the order of the file. CSV as in receipts.csv; NDJSON with an object on each line',
            schema: z.union([z.string(), receipt]),
            types: ['text/csv', 'application/x-ndjson'],
          },
          ...NOT_FOUND,
        },
      },
      async ({ params: { id }, query: { format, endpoint } }) =>
        receiptsAnswer(await app.receipts(id, endpoint), format),
    ),
    ...orders.map(([name, about, give]) =>
      route(
        {
          method: 'POST',
          url: `/files/:id/${name}`,
          operation: `${name}File`,
          about,
          asks: { params: fileId, query: deliveryQuery },
          answers: { 200: { about: 'The file after that', schema: fileStatus }, ...NOT_FOUND },
        },
        async ({ params: { id }, query: { endpoint } }) => ({ status: 200, body: await give(id, endpoint) }),
      ),
    ),
    route(
      {
        method: 'POST',
        url: '/retry',
        operation: 'retry',
        about: 'Sends what was not delivered: of one file, or of all',
        asks: { body: retryRequest },
        answers: {
          202: { about: 'Begun; empty where there is nothing to retry', schema: retried },
          ...NOT_FOUND,
          409: { about: 'The file belongs to another endpoint, or its name is not clear' },
          413: { about: 'The body is too large' },
          415: { about: 'Not application/json' },
          422: { about: 'The body says something else' },
        },
      },
      async ({ body: { file, unconfirmed = false, endpoint } }) => ({
        status: 202,
        body: { files: await app.beginRetry(file, unconfirmed, endpoint) },
      }),
    ),
  ];
}

/** What the watcher has not taken yet is known to this process alone. */
export async function fileOrReceived(
  app: ServedApp,
  received: Received,
  id: string,
  endpoint?: string,
): Promise<FileStatus | z.output<typeof fileStatus>> {
  try {
    return await app.file(id, endpoint);
  } catch (error) {
    const isUnknown = error instanceof Fault && error.code === 'not_found' && !(error instanceof SeveralFiles);
    const found = isUnknown ? received.find(id) : undefined;
    if (found === undefined) throw error;
    return found;
  }
}

/** The first rows are read before the answer begins: what is wrong can be said then. */
async function receiptsAnswer(chunks: AsyncIterable<readonly Receipt[]>, format: 'csv' | 'ndjson'): Promise<Answer> {
  const text = (rows: readonly Receipt[]): string =>
    rows
      .map((row) => {
        if (format === 'ndjson') return `${JSON.stringify(row)}\n`;
        return csvRecord(
          COLUMNS.map((column) => row[column] ?? ''),
          { spreadsheet: true },
        );
      })
      .join('');
  const iterator = chunks[Symbol.asyncIterator]();
  const first = await iterator.next();
  async function* pieces(): AsyncGenerator<string> {
    if (format === 'csv') yield csvRecord([...COLUMNS], { spreadsheet: true });
    for (let next = first; !next.done; next = await iterator.next()) yield text(next.value);
  }
  const type = format === 'csv' ? 'text/csv; charset=utf-8; header=present' : 'application/x-ndjson; charset=utf-8';
  return { status: 200, body: Readable.from(pieces(), { objectMode: false }), headers: { 'content-type': type } };
}
