/**
 * The receiver without the rest of wds: `node dist/src/receiver/main.js --rate 100 --burst 10`. For benchmarks and end-to-end tests,
 * which start it as a process of its own. Flags are the settings in kebab case; a secret comes from WDS_RECEIVER_SECRET.
 */
import { parseArgs } from 'node:util';
import { Fault } from '../domain/failure.ts';
import type { ReceiverSettings } from './receiver-options.ts';
import type { ReceiverSettingName } from './receiver-settings.ts';
import { flagName, RECEIVER_SETTINGS } from './receiver-settings.ts';
import { runReceiver } from './run-receiver.ts';

function settingsFromFlags(args: readonly string[]): ReceiverSettings {
  const names = (Object.keys(RECEIVER_SETTINGS) as ReceiverSettingName[]).filter((name) => name !== 'secret');
  const flags = names.map((name) => {
    const isSwitch = RECEIVER_SETTINGS[name].value === undefined;
    return [flagName(name), { type: isSwitch ? 'boolean' : 'string', multiple: name === 'failUsers' }] as const;
  });
  const { values } = parseArgs({ args: [...args], options: Object.fromEntries(flags), allowNegative: true });
  const settings = Object.fromEntries(names.map((name) => [name, values[flagName(name)]]));
  return { ...settings, secret: process.env.WDS_RECEIVER_SECRET } as ReceiverSettings;
}

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
try {
  await runReceiver(settingsFromFlags(process.argv.slice(2)), {
    stdout: process.stdout,
    stderr: process.stderr,
    signal: stopping.signal,
  });
} catch (error) {
  const isUsage = error instanceof Fault || (error instanceof TypeError && 'code' in error);
  if (!isUsage) throw error;
  process.stderr.write(`receiver: ${error.message}\n`);
  process.exitCode = 2;
}
