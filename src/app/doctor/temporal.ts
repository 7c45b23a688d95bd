/** Temporal, as `wds doctor` tells of it. */
import type { Settings } from '../../config/settings.ts';
import { Fault } from '../../domain/failure.ts';
import { SEARCH_ATTRIBUTES } from '../../domain/names.ts';
import type { TemporalLook } from '../../temporal/look.ts';
import { lookAtTemporal } from '../../temporal/look.ts';
import { reasonOf } from '../../thrown.ts';
import type { Finding } from './finding.ts';
import { fault, ok, warning } from './finding.ts';

/** A poll is a minute old at most; the clocks of two hosts may be a little apart. */
const CLOCKS_AGREE_MS = 5_000;

export async function temporalFindings(settings: Settings, installation: string | undefined): Promise<Finding[]> {
  const { home, temporal } = settings;
  const endpoints = settings.endpoints.map(({ name }) => name);
  try {
    const look = await lookAtTemporal({ home, flags: temporal, installation, endpoints });
    return look === undefined
      ? [ok('temporal', 'wds runs its own server, in this home; it is not running now')]
      : [...serverFindings(look), ...pollerFindings(look)];
  } catch (error) {
    const next = 'Check TEMPORAL_ADDRESS, and whether it runs.';
    if (error instanceof Fault) return [fault('temporal', error.message, error.nextStep ?? next)];
    return [fault('temporal', reasonOf(error), next)];
  }
}

function serverFindings({ address, namespace, embedded, version, namespaceFault, missing }: TemporalLook): Finding[] {
  const found = `${address}, version ${version}, namespace ${namespace}${embedded ? ' (run by wds)' : ''}`;
  if (namespaceFault !== undefined) {
    const next = 'Check TEMPORAL_NAMESPACE, or make it: temporal operator namespace create';
    return [fault('temporal', `${found}: ${namespaceFault}`, next)];
  }
  const all = Object.values(SEARCH_ATTRIBUTES).length;
  return [
    ok('temporal', found),
    missing.length === 0
      ? ok('search attributes', `all ${all} are registered`)
      : warning('search attributes', `${missing.join(', ')} not registered: files are harder to find`, 'Run: wds init'),
  ];
}

function pollerFindings({ queues, files }: TemporalLook): Finding[] {
  const nowMs = Date.now();
  const ahead = Math.max(0, ...queues.flatMap(({ pollers }) => pollers.map(({ seenMs }) => seenMs - nowMs)));
  const skew =
    ahead > CLOCKS_AGREE_MS
      ? [
          fault(
            'clock',
            `that of Temporal is ${Math.round(ahead / 1_000)} s ahead of this one`,
            'Synchronize both hosts (NTP).',
          ),
        ]
      : [];
  const found = queues.map(({ does, pollers }) => {
    if (pollers.length > 0) return ok('workers', `${does}: ${pollers.map(({ identity }) => identity).join(', ')}`);
    const next = 'Start wds up, or wds worker. Within a minute after one has died it may still be seen.';
    return files > 0
      ? fault('workers', `${does}: nobody, and ${files === 1 ? '1 file is' : `${files} files are`} under way`, next)
      : warning('workers', `${does}: nobody`, next);
  });
  return [...found, ...skew];
}
