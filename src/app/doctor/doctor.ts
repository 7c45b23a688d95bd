/** `wds doctor`: looks at all that a delivery needs, and says what is wrong and what to do about it. It changes nothing, starts nothing, sends nothing. */
import type { SettingInForce } from '../../config/explain.ts';
import { settingsInForce } from '../../config/explain.ts';
import type { LoadInput } from '../../config/load.ts';
import { loadSettings } from '../../config/load.ts';
import type { Settings } from '../../config/settings.ts';
import { Fault } from '../../domain/failure.ts';
import { routesOf } from '../routes.ts';
import { bucketInboxFinding, bucketState } from './bucket.ts';
import { endpointFindings } from './endpoint.ts';
import type { Finding } from './finding.ts';
import { fault, ok, warning } from './finding.ts';
import { clockFinding, diskFinding, nodeFinding, openFilesFinding, watchFinding } from './machine.ts';
import { inboxFinding, permissionsFinding, storeState } from './places.ts';
import { notifyFinding, scheduleFinding, suppressionFinding } from './restraints.ts';
import { temporalFindings } from './temporal.ts';

/** Exactly what `-o json` prints. */
export interface Diagnosis {
  readonly findings: readonly Finding[];
  /** Every setting, as it is in force. */
  readonly settings: readonly SettingInForce[];
}

export interface ExamineOptions {
  readonly input: LoadInput;
  /** The settings, completed as for other commands. */
  readonly complete: (settings: Settings) => Promise<Settings>;
}

export type Examine = (options: ExamineOptions) => Promise<Diagnosis>;

/** A configuration with faults is one finding among others. */
export const examine: Examine = async ({ input, complete }) => {
  const machine = [nodeFinding(), clockFinding(Date.now()), await openFilesFinding()];
  const { findings, settings } = await readConfiguration(input);
  const inForce = await settingsInForce(input).catch(() => []);
  const others = settings === undefined ? [] : await findingsOf(await complete(settings));
  const all = [...machine, ...findings, ...others];
  return { findings: all.filter((finding) => finding !== undefined), settings: inForce };
};

async function readConfiguration(
  input: LoadInput,
): Promise<{ readonly findings: readonly Finding[]; readonly settings?: Settings }> {
  try {
    const { settings, warnings } = await loadSettings(input);
    const next = 'Correct its name, or unset it.';
    const found = warnings.map((text) => warning('configuration', text, next));
    return { findings: found.length > 0 ? found : [ok('configuration', 'without faults')], settings };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { findings: [fault('configuration', error.message, error.nextStep ?? '')] };
  }
}

async function findingsOf(settings: Settings): Promise<(Finding | undefined)[]> {
  const { home, endpoint, endpoints, minFreeBytes } = settings;
  const store = settings.store === undefined ? await storeState(home) : await bucketState(settings.store);
  const meant = endpoint === undefined ? endpoints : [endpoint];
  const [disk, permissions, folders, watching, temporal, ...connections] = await Promise.all([
    diskFinding('home', home, minFreeBytes),
    permissionsFinding(home),
    Promise.all(
      settings.inboxes.map(({ folder, bucket }) =>
        bucket === undefined ? inboxFinding(folder) : bucketInboxFinding(bucket),
      ),
    ),
    watchFinding(settings.inbox),
    temporalFindings(settings, store.installation),
    ...(meant.length === 0 ? [undefined] : meant).map(endpointFindings),
  ]);
  const restraints = [await suppressionFinding(settings), scheduleFinding(settings, Date.now())];
  return [
    ...[...store.findings, disk, permissions, ...folders, unroutedFinding(settings), watching],
    ...[...temporal, ...connections.flat()],
    ...[...restraints, notifyFinding(settings)],
  ];
}

/** Whether it is clear where dropped files go. */
function unroutedFinding(settings: Settings): Finding | undefined {
  if (settings.endpoints.length === 0) return undefined;
  try {
    const routes = routesOf(settings);
    const isPlain = routes.length === 1 && settings.endpoints.length === 1;
    const shown = routes.map(({ inbox, endpoints }) => `${inbox} → ${endpoints.map(({ name }) => name).join(', ')}`);
    return isPlain ? undefined : ok('inboxes', shown.join('; '));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return warning('inboxes', error.message, error.nextStep ?? '');
  }
}
