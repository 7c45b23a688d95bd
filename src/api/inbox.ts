/** Which inbox a request is for: where there are several, it names the endpoints that its alerts are to go to. */
import { z } from 'zod';
import type { ServedApp, ServedInbox } from '../app/served.ts';
import { Problem } from './problem.ts';

export const inboxQuery = z
  .string()
  .max(2_000)
  .optional()
  .describe(
    'Where there are several inboxes: the endpoints of the one that is meant, in any order, separated by commas (`crm,sms`)',
  );

/** Of a file that was delivered to several endpoints. */
export const deliveryQuery = z.object({
  endpoint: z
    .string()
    .min(1)
    .max(63)
    .optional()
    .describe('Where the file was delivered to several endpoints: which delivery is meant'),
});

const keyOf = (names: readonly string[]): string => [...names].sort().join(',');

/** Throws Problem 404 where there is no such inbox, and 422 where it is not clear which one is meant. */
export function inboxFor({ inboxes }: Pick<ServedApp, 'inboxes'>, endpoints: string | undefined): ServedInbox {
  const [only, ...others] = inboxes;
  if (endpoints === undefined && only !== undefined && others.length === 0) return only;
  const expected = [...new Set(inboxes.map((inbox) => keyOf(inbox.endpoints)))];
  if (endpoints === undefined) {
    const detail = `to which endpoint? expected ?endpoint= with ${expected.join(', or ')}`;
    throw new Problem(422, 'which_inbox', detail, { expected });
  }
  const asked = keyOf(endpoints.split(',').map((name) => name.trim()));
  // Of several that deliver to the same endpoints any will do.
  const found = inboxes.find((inbox) => keyOf(inbox.endpoints) === asked);
  if (found !== undefined) return found;
  const detail = `no inbox delivers to just ${asked}; expected ${expected.join(', or ')}`;
  throw new Problem(404, 'no_such_inbox', detail, { expected });
}
