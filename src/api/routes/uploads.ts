/** `POST /upload`: files, as a form or as they are. Acknowledged, they are in the inbox; broken off, nothing of them is left. */
import type { MultipartFile } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ServedApp } from '../../app/served.ts';
import type { FilePriority } from '../../domain/contracts.ts';
import { plainText } from '../../domain/plain-text.ts';
import { recognize } from '../../intake/upload-kind.ts';
import type { Upload } from '../../intake/uploads.ts';
import { UploadTooLarge, uploadName } from '../../intake/uploads.ts';
import { errnoOf, isErrno, reasonOf } from '../../thrown.ts';
import type { Counters } from '../counters.ts';
import { inboxFor, inboxQuery } from '../inbox.ts';
import { Problem } from '../problem.ts';
import type { Received } from '../received.ts';
import type { Route } from '../route.ts';
import { route } from '../route.ts';
import { firstAlerts, uploaded } from '../schemas.ts';
import { oneOrAll, tellSpan } from '../server-spans.ts';

/** As in an inbox: no path, no control characters, no dot in front, a kind of file that wds reads. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is meant.
const FILE_NAME = /^(?!\.)[^\u0000-\u001f\u007f-\u009f/\\]+\.(csv|ndjson|jsonl|json)(\.gz)?$/i;

const query = z.object({
  name: z
    .string()
    .max(400)
    .regex(FILE_NAME, 'expected the name of a .csv, .ndjson, .jsonl or .json, each also .gz')
    .optional()
    .describe('Where the body is the file itself: its name'),
  priority: z.enum(['urgent', 'normal']).optional().describe('Urgent files are taken first'),
  first: firstAlerts.optional().describe('Of each file so many alerts are sent, and the rest when it is approved'),
  endpoint: inboxQuery,
});

/** By which a body without a name is known. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  'text/csv': 'csv',
  'application/x-ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'application/json': 'json',
};

const ANY_BYTES = 'application/octet-stream';

interface UploadContext {
  /** Where the body is the file itself. */
  readonly name: string | undefined;
  readonly priority: FilePriority;
  /** See UploadWishes. */
  readonly first?: number | undefined;
  /** See inboxFor. */
  readonly endpoint: string | undefined;
  readonly received: Received;
  readonly counters: Counters;
}

interface Incoming {
  readonly name: string;
  readonly source: AsyncIterable<Uint8Array>;
}

export function uploadRoutes(app: ServedApp, received: Received, counters: Counters): readonly Route[] {
  const content = { type: 'string', format: 'binary', minLength: 1 };
  const file = { schema: content };
  const text = { schema: { type: 'string', minLength: 1 } };
  return [
    route(
      {
        method: 'POST',
        url: '/upload',
        operation: 'upload',
        about: 'Hands files to the inbox',
        asks: { query },
        raw: {
          'multipart/form-data': {
            schema: {
              type: 'object',
              required: ['file'],
              properties: { file: { type: 'array', minItems: 1, items: content } },
            },
            encoding: { file: { contentType: 'text/csv, application/x-ndjson, application/json' } },
          },
          'text/csv': text,
          'application/x-ndjson': text,
          // An array of objects; whether it is one is found out when it is read.
          'application/json': { schema: {} },
          [ANY_BYTES]: file,
        },
        answers: {
          202: { about: 'On the disk, and in the inbox', schema: uploaded },
          404: { about: 'No inbox delivers to these endpoints' },
          413: { about: 'Larger than api.maxUploadMiB' },
          415: { about: 'Neither a form nor a kind of file that wds reads' },
          422: { about: 'No file, an empty one, a name that cannot be, or it is not clear which inbox is meant' },
          507: { about: 'The disk is full' },
        },
      },
      async ({ query: { name, priority = 'normal', first, endpoint }, request }) => {
        const files = await takeUploads(app, request, { name, priority, first, endpoint, received, counters });
        return { status: 202, body: { files } };
      },
    ),
  ];
}

/** Uploads that are on the disk, and that nobody else sees yet. */
export interface ReceivedUploads {
  readonly files: readonly { readonly name: string; readonly upload: Upload }[];
  /** Names: those that the inbox delivers to. */
  readonly endpoints: readonly string[];
  /** Hands them to the inbox. `first`: in place of what was asked for with the request. */
  place(first?: number): Promise<readonly z.output<typeof uploaded>['files'][number][]>;
  discard(): Promise<void>;
}

/** All files of a request, delivered, or none of them. */
export async function takeUploads(app: ServedApp, request: FastifyRequest, context: UploadContext) {
  return (await receiveUploads(app, request, context)).place();
}

/** All files of a request, or none: the faults are Problems, and those of what has the disk. */
export async function receiveUploads(
  app: ServedApp,
  request: FastifyRequest,
  { name, priority, first: asked, endpoint, received, counters }: UploadContext,
): Promise<ReceivedUploads> {
  const inbox = inboxFor(app, endpoint);
  const { endpoints } = inbox;
  await app.requireRoom();
  const uploads: { readonly name: string; readonly upload: Upload }[] = [];
  const discard = async (): Promise<void> => {
    await Promise.all(uploads.map(({ upload }) => upload.discard()));
  };
  try {
    for await (const { name: as, source } of request.isMultipart() ? formFiles(request) : rawFile(request, name)) {
      const upload = await inbox.uploads.receive(as, source);
      uploads.push({ name: as, upload });
      if (upload.sizeBytes === 0) throw new Problem(422, 'empty', `${plainText(as)} is empty`);
    }
    if (uploads.length === 0) throw new Problem(422, 'no_file', 'the form holds no file');
  } catch (error) {
    await discard();
    throw refusalOf(error);
  }
  const place = async (first = asked) => {
    const files: { id: string; name: string; sizeBytes: number; endpoints: string[] }[] = [];
    for (const { name: as, upload } of uploads) {
      const { sha256, sizeBytes } = upload;
      const placed = await upload.place({ priority, first });
      received.add({ sha256, name: placed, endpoint: endpoints[0] ?? '' });
      counters.uploaded(sizeBytes);
      app.logger.info(
        { event: 'upload_received', file: plainText(placed), sha256, sizeBytes },
        as === placed ? 'uploaded' : 'uploaded; its name was taken',
      );
      files.push({ id: sha256, name: placed, sizeBytes, endpoints: [...endpoints] });
    }
    tellSpan({
      'wds.file.sha256': oneOrAll(files.map(({ id }) => id)),
      'wds.file.name': oneOrAll(files.map((file) => file.name)),
    });
    return files;
  };
  return { files: uploads, endpoints, place, discard };
}

async function* formFiles(request: FastifyRequest): AsyncGenerator<Incoming> {
  const limits = { files: 100, fields: 20, parts: 120, fieldSize: 64 * 1024, fileSize: Number.MAX_SAFE_INTEGER };
  for await (const part of request.files({ limits }) as AsyncIterable<MultipartFile>) {
    const { filename = '', mimetype } = part;
    const extension = detectable(filename) ? undefined : EXTENSIONS[mimetype];
    yield { name: uploadName(extension === undefined ? filename : `${filename}.${extension}`), source: part.file };
  }
}

/** Its name tells its kind; where it does not, its type may. */
const detectable = (name: string): boolean => FILE_NAME.test(name.replace(/^.*[\\/]/s, ''));

async function* rawFile(request: FastifyRequest, name: string | undefined): AsyncGenerator<Incoming> {
  if (request.body === undefined || request.body === null) throw new Problem(422, 'no_file', 'there is no body');
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    throw new Problem(
      415,
      'unsupported_encoding',
      'send the file as it is: a .gz under its own name, no Content-Encoding',
    );
  }
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  const body = request.body as AsyncIterable<Uint8Array>;
  const unknown = name === undefined && type === ANY_BYTES ? await recognize(body) : undefined;
  const extension = unknown?.extension ?? EXTENSIONS[type];
  if (name === undefined && extension === undefined) {
    throw new Problem(
      415,
      'unsupported_type',
      `what is ${type === '' ? 'a body without a type' : type}? Name it: ?name=alerts.csv`,
    );
  }
  const time = new Date().toISOString().replaceAll(/[-:.]/g, '');
  yield {
    name: uploadName(name ?? `upload-${time}.${extension}`),
    source: unknown?.source ?? body,
  };
}

function refusalOf(error: unknown): unknown {
  if (error instanceof UploadTooLarge) {
    return new Problem(413, 'too_large', `an upload may have ${error.maxBytes} bytes (api.maxUploadMiB)`);
  }
  if (isErrno(error, 'ENOSPC')) return new Problem(507, 'disk_full', 'the disk of the inbox is full');
  if (isErrno(error, 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE')) {
    return new Problem(400, 'broken_off', 'the upload broke off: nothing of it is left');
  }
  // The reader of forms throws plain errors.
  if (error instanceof Error && error.constructor === Error && errnoOf(error) === undefined) {
    return new Problem(400, 'bad_form', `the form cannot be read: ${reasonOf(error)}; nothing of it was taken`);
  }
  return error;
}
