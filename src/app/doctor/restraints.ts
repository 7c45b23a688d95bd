/** What keeps alerts from being sent, and who is told of it. */
import type { Settings } from '../../config/settings.ts';
import { Fault } from '../../domain/failure.ts';
import { standingOf } from '../../domain/restraint/schedule.ts';
import { SuppressionLists } from '../../formats/suppression-list.ts';
import type { Finding } from './finding.ts';
import { fault, ok, warning } from './finding.ts';

/** undefined: there is no list. */
export async function suppressionFinding({ suppressFile }: Settings): Promise<Finding | undefined> {
  if (suppressFile === undefined) return undefined;
  let users = 0;
  try {
    await new SuppressionLists({ onRead: (_path, read) => (users = read) }).of([suppressFile]);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return fault('suppression list', error.message, error.nextStep ?? '');
  }
  if (users > 0) return ok('suppression list', `${suppressFile} names ${users === 1 ? '1 user' : `${users} users`}`);
  return warning('suppression list', `${suppressFile} is empty`, 'Everybody is alerted: is that meant?');
}

/** undefined: files may be sent at any time. */
export function scheduleFinding({ delivery: { schedule } }: Settings, nowMs: number): Finding | undefined {
  if (schedule === undefined) return undefined;
  const standing = standingOf(schedule, nowMs);
  if (standing.kind === 'open') return ok('times', 'files may be sent now');
  if (standing.kind === 'closed') {
    return ok('times', `files wait until ${new Date(standing.opensMs).toISOString()}: ${standing.text}`);
  }
  const next = 'Nothing can be sent any more: check delivery.notAfter.';
  return fault('times', standing.text, next);
}

/** undefined: nobody is to be told. */
export function notifyFinding({ notify }: Settings): Finding | undefined {
  if (notify === undefined) return undefined;
  const ways = [
    ...(notify.url === undefined
      ? []
      : [`${new URL(notify.url).host}, ${notify.secrets.length > 0 ? '' : 'not '}signed`]),
    ...(notify.command === undefined ? [] : ['a command']),
  ];
  return ok('notifications', `by ${ways.join(' and ')}; try them with: wds notify --test`);
}
