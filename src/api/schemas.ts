/** The shapes that the API takes and gives. Answers may get more members in later releases. */
import { z } from 'zod';

export const problem = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string().describe('Stays the same through releases'),
  nextStep: z.string().optional(),
});

const count = z.int().min(0);

export const fileStatus = z.looseObject({
  file: z.string().describe('The name that it was dropped under'),
  sha256: z.string().describe('Its ID'),
  workflowId: z.string(),
  endpoint: z.string(),
  state: z.enum(['received', 'running', 'paused', 'completed', 'failed', 'refused', 'cancelled', 'stopped', 'unknown']),
  rows: count,
  alerts: count,
  delivered: count,
  rejected: count,
  undelivered: count,
  unconfirmed: count,
  suppressed: count.optional().describe('Users on a suppression list, not alerted; absent: none'),
  invalid: count,
  duplicates: count,
  pending: count,
  seconds: z.number(),
  startedAt: z.string(),
  reason: z.string().optional().describe('Why nothing of it was sent, where it was refused'),
  waiting: z
    .looseObject({ why: z.string(), text: z.string(), since: z.string().nullable(), until: z.string().nullable() })
    .optional()
    .describe('Why it does not get on; absent: it does, or has ended'),
});

export const fileList = z.object({ files: z.array(fileStatus) });

export const receipt = z.looseObject({
  userId: z.string(),
  line: z.int(),
  outcome: z.enum(['delivered', 'rejected', 'undelivered', 'unconfirmed', 'suppressed', 'pending', 'duplicate']),
  status: z.int().nullable(),
  attempts: count,
  finishedAt: z.string().nullable(),
  webhookId: z.string(),
  reason: z.string(),
});

export const foundUser = z.looseObject({
  userId: z.string(),
  alerts: z
    .array(
      z.looseObject({
        file: z.string(),
        sha256: z.string(),
        endpoint: z.string(),
        workflowId: z.string(),
        line: z.int(),
        outcome: receipt.shape.outcome,
        status: z.int().nullable(),
        attempts: count,
        at: z.string().nullable(),
        reason: z.string(),
        webhookId: z.string(),
        submittedAt: z.string(),
      }),
    )
    .describe('Newest submission first'),
  more: count.describe('How many more there are, beyond the limit'),
  unsearched: z.array(z.string()).describe('Files that could not be searched'),
});

export const uploaded = z.object({
  files: z.array(
    z.looseObject({
      id: z.string().describe('The SHA-256 of what was uploaded'),
      name: z.string().describe('In the inbox: another one where its own was taken'),
      sizeBytes: count,
      endpoints: z.array(z.string()).describe('Those that it is delivered to'),
    }),
  ),
});

/** In an address it is text. */
export const firstAlerts = z.coerce.number().int().min(1).max(1_000_000);

export const posted = z.looseObject({
  id: z.string().describe('Of the post; the rows that its alerts become carry it'),
  alerts: count,
  files: z
    .array(z.string())
    .describe('Names of the files that they are gathered into; empty where it was posted before'),
  repeated: z.boolean().describe('The same alerts were posted with this key before: nothing more is sent'),
});

/** Something to be seen in it, and no NUL. (Readers of files know more that cannot be seen.) */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is meant.
const SEEN = /^[^\u0000]*[^\s\u0000][^\u0000]*$/;

/** For the document; posts are judged as rows of files are. */
export const alert = z.looseObject({
  userId: z.union([z.string().max(512).regex(SEEN), z.int()]),
  alertMessage: z.string().regex(SEEN),
});

export const retryRequest = z.strictObject({
  file: z
    .string()
    .min(1)
    .max(400)
    .optional()
    .describe('ID or name of a file; absent: all that have something to retry'),
  unconfirmed: z
    .boolean()
    .optional()
    .describe('Alerts whose answer was lost are sent again, too: their receivers may be alerted twice'),
  endpoint: z.string().min(1).max(63).optional().describe('What was sent to this endpoint only'),
});

export const retried = z.object({
  files: z.array(
    z.looseObject({
      file: z.string(),
      sha256: z.string(),
      workflowId: z.string(),
      outcome: z.enum(['started', 'attached', 'already_delivered', 'retried']),
    }),
  ),
});

export const endpointStatus = z.looseObject({
  name: z.string(),
  url: z.string().nullable(),
  rate: z.string(),
  governor: z
    .looseObject({ paused: z.boolean(), circuit: z.string(), ratePerSecond: z.number().nullable() })
    .nullable(),
  note: z.string().nullable(),
  taskQueueLimit: z.number().nullable(),
});

export const endpointList = z.object({ endpoints: z.array(endpointStatus) });

export const endpointOrder = z.discriminatedUnion('order', [
  z.strictObject({ order: z.enum(['pause', 'resume', 'forget']) }),
  z.strictObject({
    order: z.literal('set-rate'),
    rate: z.union([z.number().min(0.001).max(1_000_000), z.enum(['auto', 'unlimited', 'configured'])]),
  }),
]);

export const readiness = z.object({ ready: z.boolean(), checks: z.record(z.string(), z.string()) });

/** No path: what is asked for lies on this machine. (Classes of Unicode are not known to every reader of the document.) */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is meant.
const PATH_PART = /^[^/\\\u0000-\u001f\u007f-\u009f]+$/;

export const fileId = z.object({
  id: z
    .string()
    .min(1)
    .max(400)
    .regex(PATH_PART, 'expected an ID or a name')
    .describe('SHA-256 (8 digits or more), workflow ID, or the name it was dropped under'),
});
