/** `wds doctor`: looks at all that a delivery needs, and says what is wrong and what to do about it. It changes nothing, starts nothing, sends nothing. */
import type { SettingInForce } from '../../config/explain.ts';
import { settingsInForce } from '../../config/explain.ts';
import type { LoadInput } from '../../config/load.ts';
import { loadSettings } from '../../config/load.ts';
import type { Settings } from '../../config/settings.ts';
import { Fault } from '../../domain/failure.ts';
import { endpointFindings } from './endpoint.ts';
import type { Finding } from './finding.ts';
import { fault, ok, warning } from './finding.ts';
import { clockFinding, diskFinding, nodeFinding, openFilesFinding, watchFinding } from './machine.ts';
import { inboxFinding, permissionsFinding, storeState } from './places.ts';
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
  const { home, inbox, endpoint, minFreeBytes } = settings;
  const store = await storeState(home);
  const [disk, permissions, folder, watching, temporal, connection] = await Promise.all([
    diskFinding('home', home, minFreeBytes),
    permissionsFinding(home),
    inboxFinding(inbox),
    watchFinding(inbox),
    temporalFindings(settings, store.installation),
    endpointFindings(endpoint),
  ]);
  return [...store.findings, disk, permissions, folder, watching, ...temporal, ...connection];
}
