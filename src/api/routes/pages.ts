/** The pages for people: made here, usable without scripts. Each form is answered with a redirect to the page that shows what came of it. */
import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ServedApp } from '../../app/served.ts';
import { reasonOf } from '../../thrown.ts';
import type { Counters } from '../counters.ts';
import { SCRIPT, STYLE } from '../pages/assets.ts';
import { endpointsPage } from '../pages/endpoints-page.ts';
import { fileDetailPage } from '../pages/file-page.ts';
import { filesPage } from '../pages/files-page.ts';
import type { Page } from '../pages/html.ts';
import { html, pageText } from '../pages/html.ts';
import { previewPage } from '../pages/preview-page.ts';
import { userPage } from '../pages/user-page.ts';
import { Previews } from '../previews.ts';
import { Problem, problemOf } from '../problem.ts';
import type { Received } from '../received.ts';
import { endpointOrder, fileId, firstAlerts } from '../schemas.ts';
import { overrideOf } from './endpoints.ts';
import { fileOrReceived } from './files.ts';
import { receiveUploads, takeUploads } from './uploads.ts';

const FILES_SHOWN = 30;
const ALERTS_SHOWN = 100;
/** No scripts but the one of this server, nothing from elsewhere, in no frame. */
const POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/** Of a report, which has its style in itself. */
const REPORT_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'";

export interface PagesContext {
  readonly app: ServedApp;
  readonly received: Received;
  readonly counters: Counters;
}

type Named = { readonly Params: { readonly id: string; readonly order: string; readonly name: string } };

/** A plugin: its errors are pages, too. */
export async function pages(scope: FastifyInstance, { app, received, counters }: PagesContext): Promise<void> {
  scope.removeAllContentTypeParsers();
  await scope.register(multipart);
  scope.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(body as string))),
  );
  scope.setErrorHandler((error, _request, reply) => {
    const problem = problemOf(error) ?? new Problem(500, 'unexpected', 'Something went wrong; the log says what.');
    if (problem.status === 500)
      app.logger.error({ event: 'api_fault', reason: reasonOf(error) }, 'a page was not made');
    if (problem.status === 401) reply.header('www-authenticate', 'Basic realm="wds", charset="UTF-8"');
    const { title, detail, nextStep } = problem.body;
    const body = html`<p>${detail}</p>${nextStep === undefined ? '' : html`<p>${nextStep}</p>`}<p><a href="/">To the files</a></p>`;
    return show(reply, { title, body }, problem.status);
  });

  scope.get('/', async (_request, reply) =>
    show(reply, filesPage(await app.status({ limit: FILES_SHOWN }), app.inboxes)),
  );
  scope.get('/ui/endpoints', async (_request, reply) => show(reply, endpointsPage(await app.endpoints())));
  scope.get<{ Querystring: { readonly user?: string } }>('/ui/users', async ({ query: { user } }, reply) =>
    show(reply, userPage(typeof user === 'string' && user !== '' ? await app.user(user, ALERTS_SHOWN) : undefined)),
  );
  scope.get<Named>('/ui/files/:id/report', async ({ params }, reply) => {
    const page = await app.reportPage(idIn(params.id));
    if (page === undefined) throw new Problem(404, 'not_found', 'There is no report of this file yet.');
    return asset(reply, 'text/html; charset=utf-8', page, REPORT_POLICY);
  });
  scope.get<Named>('/ui/files/:id', async ({ params }, reply) => {
    const file = await fileOrReceived(app, received, idIn(params.id));
    return show(reply, fileDetailPage(file, app.temporalPage(file.workflowId)));
  });
  // Whoever follows an old link has a browser.
  scope.get('/ui/*', async () => {
    throw new Problem(404, 'no_such_path', 'There is no such page.');
  });
  scope.get('/ui/style.css', async (_request, reply) => asset(reply, 'text/css; charset=utf-8', STYLE));
  scope.get('/ui/live.js', async (_request, reply) => asset(reply, 'text/javascript; charset=utf-8', SCRIPT));

  scope.post<{ Querystring: { readonly endpoint?: string } }>('/ui/upload', async (request, reply) => {
    const { endpoint } = request.query;
    const context = { name: undefined, priority: 'normal', endpoint, received, counters } as const;
    return reply.redirect(pageOf(await takeUploads(app, request, context)), 303);
  });
  const previews = new Previews();
  scope.addHook('onClose', () => previews.close());
  scope.post<{ Querystring: { readonly endpoint?: string } }>('/ui/preview', async (request, reply) => {
    const { endpoint } = request.query;
    const context = { name: undefined, priority: 'normal', endpoint, received, counters } as const;
    const uploads = await receiveUploads(app, request, context);
    try {
      const { files, endpoints } = uploads;
      const shown = await Promise.all(files.map(({ name, upload }) => app.preview(upload.path, name, endpoints)));
      return reply.redirect(`/ui/previews/${await previews.hold({ uploads, previews: shown })}`, 303);
    } catch (error) {
      await uploads.discard();
      throw error;
    }
  });
  scope.get<Named>('/ui/previews/:id', async ({ params: { id } }, reply) => {
    const held = previews.find(id);
    if (held === undefined) throw previewIsGone();
    return show(reply, previewPage(id, held.previews));
  });
  scope.post<Named>('/ui/previews/:id/:order', async ({ params: { id, order }, body }, reply) => {
    if (order !== 'deliver' && order !== 'discard') throw noSuchOrder();
    const first = firstIn(body);
    const uploads = previews.take(id)?.uploads;
    if (uploads === undefined) throw previewIsGone();
    if (order === 'discard') await uploads.discard();
    return reply.redirect(order === 'discard' ? '/' : pageOf(await uploads.place(first)), 303);
  });
  scope.post<Named>('/ui/files/:id/:order', async ({ params }, reply) => {
    const id = idIn(params.id);
    if (params.order === 'pause' || params.order === 'resume') await app.pauseFile(id, params.order === 'pause');
    else if (params.order === 'approve') await app.approveFile(id);
    else if (params.order === 'cancel') await app.cancelFile(id);
    else if (params.order === 'retry') await app.beginRetry(id, false);
    else throw noSuchOrder();
    return reply.redirect(`/ui/files/${encodeURIComponent(id)}`, 303);
  });
  scope.post<Named>('/ui/endpoints/:name', async ({ params, body }, reply) => {
    const given = body as { readonly order?: string; readonly rate?: string };
    const rate =
      given.rate !== undefined && /^\d+(\.\d+)?$/.test(given.rate.trim()) ? Number(given.rate) : given.rate?.trim();
    const order = endpointOrder.safeParse(rate === undefined ? { order: given.order } : { order: given.order, rate });
    if (!order.success) {
      throw new Problem(422, 'bad_body', 'That is no rate.', {
        nextStep: 'Give a number, auto, unlimited or configured.',
      });
    }
    await app.endpoint(params.name, overrideOf(order.data));
    return reply.redirect('/ui/endpoints', 303);
  });
}

const noSuchOrder = (): Problem => new Problem(404, 'no_such_path', 'There is no such order.');

/** Of the form: so many alerts, or all. The preview stays where it is no number. */
function firstIn(body: unknown): number | undefined {
  const { first } = (body ?? {}) as { readonly first?: string };
  if (first === undefined) return undefined;
  const read = firstAlerts.safeParse(first.trim() === '' ? Number.NaN : first);
  if (read.success) return read.data;
  throw new Problem(422, 'bad_body', 'That is no number of alerts, and nothing was sent.', {
    nextStep: 'Go back, and give a whole number from 1 to 1,000,000.',
  });
}

const previewIsGone = (): Problem =>
  new Problem(404, 'not_found', 'This preview is not there any more, and nothing of it was sent.', {
    nextStep: 'Upload the files again.',
  });

/** What shows what became of uploaded files. */
function pageOf(files: readonly { readonly id: string; readonly endpoints: readonly string[] }[]): string {
  const [only] = files;
  return files.length === 1 && only?.endpoints.length === 1 ? `/ui/files/${only.id}` : '/';
}

function idIn(id: string): string {
  const read = fileId.safeParse({ id });
  if (!read.success) throw new Problem(404, 'not_found', 'There is no such file.');
  return read.data.id;
}

function show(reply: FastifyReply, page: Page, status = 200): FastifyReply {
  return asset(reply.code(status).header('cache-control', 'no-store'), 'text/html; charset=utf-8', pageText(page));
}

function asset(reply: FastifyReply, type: string, text: string, policy = POLICY): FastifyReply {
  return reply
    .type(type)
    .header('content-security-policy', policy)
    .header('x-content-type-options', 'nosniff')
    .header('referrer-policy', 'same-origin')
    .send(text);
}
