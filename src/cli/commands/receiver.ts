/** `wds receiver`: the bundled rate-limited receiver, to try wds out and to rehearse an endpoint. Its settings are its flags. */
import type { Command } from 'commander';
import type { ReceiverSettings } from '../../receiver/receiver-options.ts';
import type { ReceiverSettingName } from '../../receiver/receiver-settings.ts';
import { flagName, RECEIVER_SETTINGS } from '../../receiver/receiver-settings.ts';
import type { CommandContext } from '../context.ts';
import { addExamples } from '../options.ts';

/** A secret does not belong on a command line. */
const SECRET_VARIABLE = 'WDS_RECEIVER_SECRET';
const DEFAULT_PORT = '8080';

const FLAG_NAMES = (Object.keys(RECEIVER_SETTINGS) as ReceiverSettingName[]).filter((name) => name !== 'secret');

function addFlag(command: Command, name: ReceiverSettingName): void {
  const { value, description } = RECEIVER_SETTINGS[name];
  const flag = flagName(name);
  if (name === 'port') command.option(`--${flag} <${value}>`, description, DEFAULT_PORT);
  else if (name === 'failUsers') command.option(`--${flag} <${value}>`, description, collect);
  else command.option(value === undefined ? `--${flag}` : `--${flag} <${value}>`, description);
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

const attribute = (name: ReceiverSettingName): string => name.replace(/Ms$/, '');

export function registerReceiver(program: Command, context: CommandContext): void {
  const command = program
    .command('receiver')
    .description('run the bundled receiver; its address shows what arrived')
    .action(async (flags: Readonly<Record<string, string | boolean | readonly string[]>>) => {
      const { env, runReceiver, signal } = context.invocation;
      const settings: Record<string, unknown> = { secret: env[SECRET_VARIABLE] };
      for (const name of FLAG_NAMES) settings[name] = flags[attribute(name)];
      await runReceiver(settings as ReceiverSettings, {
        stdout: { write: (text) => context.terminal.data(text.trimEnd()) },
        stderr: { write: (text) => context.terminal.message(text.trimEnd()) },
        signal,
      });
    });
  for (const name of FLAG_NAMES) addFlag(command, name);
  addExamples(command, [
    ['takes 100 a second', 'wds receiver --rate 100'],
    ['slow and unreliable', 'wds receiver --latency 200ms --fail-rate 5%'],
    ['a fixed window of one second', 'wds receiver --model fixed-window --rate 50 --rate-limit-headers draft'],
    ['verify signatures', `${SECRET_VARIABLE}=whsec_… wds receiver`],
  ]);
}
