/** `wds watch [DIR]`: the watcher alone. */
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { requireEndpoints } from '../context.ts';
import { addEndpointFlags, addExamples, addSettings, CARE_FLAGS, ONCE_FLAGS, PARSE_FLAGS } from '../options.ts';

export function registerWatch(program: Command, context: CommandContext): void {
  const command = program
    .command('watch')
    .description('run the watcher alone; any number of them, for the same endpoint, may watch the same folder')
    .argument('[dir]', 'the drop folder, or s3://bucket/prefix (default: ./inbox)')
    .action(async (dir: string | undefined, _flags: object, self: Command) => {
      const settings = dir === undefined ? {} : { inbox: { value: dir, flag: 'watch DIR' } };
      await context.useApp(self, { logLevel: 'info', listens: true, complete: requireEndpoints, settings }, ({ app }) =>
        app.watch(),
      );
    });
  addEndpointFlags(command);
  addSettings(command, PARSE_FLAGS);
  addSettings(command, ONCE_FLAGS);
  addSettings(command, CARE_FLAGS);
  addExamples(command, [
    ['watch a folder', 'wds watch /srv/uploads --url https://example.com/hook'],
    ['watch a prefix of a bucket', 'wds watch s3://acme-alerts/inbox --url https://example.com/hook'],
    ['what it is to do stands in the configuration', 'wds watch --config /etc/wds.config.yaml'],
  ]);
}
