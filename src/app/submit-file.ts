/** The one step by which a staged file, dropped or named on a command line, becomes a delivery. */
import { deliveryTo, parseFor } from '../config/settings.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import type { Submission } from '../intake/takers.ts';
import { isGathered } from '../posts/gathered-file.ts';
import { rememberName } from '../store/file-names.ts';
import type { SubmitRequest, Submitted } from '../temporal/file-deliveries.ts';
import type { Installation } from '../temporal/installation.ts';

/** Makes sure that a workflow delivers the file to this endpoint. Idempotent; a rejection means that none is known to. */
export async function submitFile(
  { settings, deliveries, store }: Installation,
  endpoint: Endpoint,
  submission: Submission & Pick<SubmitRequest, 'pressedMs'>,
): Promise<Submitted> {
  const { parse, statedDelivery } = settings;
  const { first, ...submitted } = submission;
  // A file that posts were gathered into is nobody's to look at: whoever posted has decided.
  const isPosted = isGathered(submission.fileName);
  const asked = first === undefined ? {} : { first };
  const careful = isPosted ? { first: undefined, stopAtFailures: undefined } : asked;
  const delivery = deliveryTo(endpoint, { ...statedDelivery, ...careful });
  await rememberName(store, submission.fileName, { sha256: submission.staged.sha256, endpoint: endpoint.name });
  return deliveries.submit({
    ...submitted,
    endpoint: endpoint.name,
    parse: parseFor(endpoint, parse, statedDelivery),
    delivery,
  });
}
