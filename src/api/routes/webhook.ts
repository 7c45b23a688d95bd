/** `POST /webhook`: one alert, or an array of them. Answered when they are on the disk. */
import { z } from 'zod';
import type { ServedApp, ServedInbox } from '../../app/served.ts';
import { readAlerts } from '../../posts/read-alerts.ts';
import { NotTaken } from '../../posts/spool.ts';
import type { Counters } from '../counters.ts';
import { inboxFor, inboxQuery } from '../inbox.ts';
import { Problem } from '../problem.ts';
import type { Route } from '../route.ts';
import { route } from '../route.ts';
import { alert, posted } from '../schemas.ts';
import { oneOrAll, tellSpan } from '../server-spans.ts';

const MOST_ALERTS = 1_000;

const headers = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x20-\x7e]{1,255}$/, 'expected 1 to 255 printable ASCII characters')
    .optional()
    .describe('Posts with an equal key within seven days are one post'),
});

const body = z.union([alert, z.array(alert).min(1).max(MOST_ALERTS)]);

export function webhookRoutes(app: ServedApp, counters: Counters): readonly Route[] {
  return [
    route(
      {
        method: 'POST',
        url: '/webhook',
        operation: 'post',
        about: 'Takes one alert, or an array of them',
        asks: { headers, query: z.object({ endpoint: inboxQuery }) },
        raw: { 'application/json': { schema: z.toJSONSchema(body, { io: 'input' }) } },
        bodyLimitBytes: 16 * 1024 * 1024,
        answers: {
          202: { about: 'On the disk: they will be delivered whatever becomes of this process', schema: posted },
          404: { about: 'No inbox delivers to these endpoints' },
          409: { about: 'The key was used for other alerts, or its first request is under way' },
          413: { about: 'More than 16 MiB' },
          415: { about: 'Not application/json' },
          422: { about: 'JSON, but not of alerts, or it is not clear which inbox is meant: none of them was taken' },
        },
      },
      async ({ headers: { 'idempotency-key': key }, query: { endpoint }, request }) => {
        const inbox = inboxFor(app, endpoint);
        await app.requireRoom();
        const alerts = await alertsIn(inbox, request.body);
        const answer = await inbox.posts.take(alerts, key).catch((error: unknown) => {
          if (!(error instanceof NotTaken)) throw error;
          const detail = `${error.message}; with an Idempotency-Key the same post can be sent again safely`;
          throw new Problem(503, 'not_taken', detail, {}, 1);
        });
        if (answer.kind === 'other_alerts') {
          throw new Problem(409, 'key_reused', 'this Idempotency-Key was used for other alerts');
        }
        if (answer.kind === 'in_use') {
          throw new Problem(409, 'key_in_use', 'a request with this Idempotency-Key is under way', {}, 1);
        }
        if (!answer.again) counters.posted(alerts.length);
        const { id, files, again: repeated } = answer;
        tellSpan({ 'wds.post.alerts': alerts.length, 'wds.file.name': oneOrAll(files) });
        return { status: 202, body: { id, alerts: alerts.length, files, repeated } };
      },
    ),
  ];
}

async function alertsIn({ parse }: ServedInbox, given: unknown) {
  if (!Buffer.isBuffer(given) || given.length === 0) throw new Problem(400, 'bad_json', 'there is no body');
  const read = await readAlerts(given, parse);
  switch (read.kind) {
    case 'not_json':
      throw new Problem(400, 'bad_json', 'the body is not JSON in UTF-8');
    case 'not_alerts':
      throw new Problem(422, 'not_alerts', 'expected {"userId": …, "alertMessage": …}, or an array of such objects');
    case 'invalid': {
      const first = read.invalid[0]!;
      const detail = `alert ${first.at} is not valid: ${first.reason}; none was taken`;
      throw new Problem(422, 'invalid_alerts', detail, { invalid: read.invalid.slice(0, 100) });
    }
    case 'alerts': {
      const { alerts } = read;
      if (alerts.length === 0) throw new Problem(422, 'no_alerts', 'the array is empty');
      if (alerts.length > MOST_ALERTS) {
        throw new Problem(
          422,
          'too_many_alerts',
          `${alerts.length} alerts; a post may have ${MOST_ALERTS}. Upload a file`,
        );
      }
      return alerts;
    }
  }
}
