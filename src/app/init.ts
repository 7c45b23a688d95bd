/** `wds init`: makes a Temporal service ready that wds does not run itself. */
import type { TemporalFlags } from '../config/settings.ts';
import { Fault } from '../domain/failure.ts';
import { connect, temporalTarget } from '../temporal/connection.ts';
import { ensureSearchAttributes } from '../temporal/search-attributes.ts';
import type { InitResult } from './app.ts';

/** Registers the search attributes, where a service is configured. Throws Fault `temporal_unreachable`, also where it refuses them. */
export async function prepareService(flags: TemporalFlags): Promise<InitResult> {
  const target = temporalTarget(flags);
  if (target === undefined) return { service: null, registered: [], alreadyThere: [] };
  const { connection, namespace, address, close } = await connect(target);
  const { usable, missing, registered, reason } = await ensureSearchAttributes(connection, namespace).finally(close);
  if (missing.length > 0) {
    throw new Fault(
      'temporal_unreachable',
      `search attributes ${missing.join(', ')} could not be registered: ${reason ?? 'refused'}`,
      "Register them with your cluster's own tool (Temporal Cloud: tcld, or its web page). wds works without them.",
    );
  }
  return { service: address, registered, alreadyThere: usable.filter((name) => !registered.includes(name)) };
}
