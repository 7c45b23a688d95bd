/** The settings of notifications, as the rest of wds uses them. */
import { NOTICE_TYPES } from '../domain/notices/notice.ts';
import type { SettingsWithDefaults } from './defaults.ts';
import type { ConfigFault } from './faults.ts';
import { configFault } from './faults.ts';
import { readSecrets } from './secrets.ts';
import type { NotifySettings } from './settings.ts';
import type { Environment } from './sources.ts';

interface Context {
  readonly env: Environment;
  readonly collect: (fault: ConfigFault) => void;
}

/** undefined: nobody is notified. */
export async function compileNotify(
  stated: SettingsWithDefaults['notify'],
  { env, collect }: Context,
): Promise<NotifySettings | undefined> {
  const { url, command, events = NOTICE_TYPES, timeoutSeconds, ...secret } = stated;
  // Without a URL a secret is for nobody, but no fault: it may stand in the environment of all processes.
  const secrets = url === undefined ? [] : await readSecrets(secret, 'notify', env, collect);
  if (url === undefined && command === undefined) {
    if (stated.events === undefined) return undefined;
    collect({ key: 'notify.events', problem: 'nobody is told of them; expected notify.url or notify.command, too' });
    return undefined;
  }
  return {
    url: url === undefined ? undefined : new URL(url).href,
    secrets,
    ...(url === undefined ? {} : secretFilesOf(secret, env)),
    command: typeof command === 'string' ? ['/bin/sh', '-c', command] : command,
    events,
    timeoutMs: Math.round(timeoutSeconds * 1_000),
  };
}

/** Nothing where they are from the environment, which does not change. */
function secretFilesOf(
  secret: Pick<SettingsWithDefaults['notify'], 'secretFile' | 'secretEnv'>,
  env: Environment,
): Pick<NotifySettings, 'secretFiles'> {
  const paths = [secret.secretFile ?? []].flat();
  if (paths.length === 0) return {};
  const read = async (): Promise<readonly string[]> => {
    const faults: ConfigFault[] = [];
    const secrets = await readSecrets(secret, 'notify', env, (fault) => faults.push(fault));
    if (faults.length > 0) throw configFault(faults);
    return secrets;
  };
  return { secretFiles: { paths, read } };
}
