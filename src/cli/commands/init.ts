/** `wds init`: a configuration file to begin with, and a Temporal service that wds does not run itself made ready. */
import { relative, resolve } from 'node:path';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import type { GlobalOptions } from '../options.ts';
import { addExamples, addSettings, ENDPOINT_FLAGS, flagValues } from '../options.ts';
import { initText } from '../output.ts';

export function registerInit(program: Command, context: CommandContext): void {
  const command = program
    .command('init')
    .description(
      "write a wds.config.yaml with comments, and register wds's search attributes with the Temporal service",
    )
    .action(async (_flags: object, self: Command) => {
      const { output, config = 'wds.config.yaml' } = self.optsWithGlobals() as GlobalOptions;
      const { cwd } = context.invocation;
      const path = resolve(cwd, config);
      const { writeConfigFile } = await import('../../config/new-config-file.ts');
      const state = await writeConfigFile(path, flagValues(self));
      await context.useApp(self, { logLevel: 'warn' }, async ({ app }) => {
        const end = { config: { path: relative(cwd, path), state }, ...(await app.init()) };
        const json = JSON.stringify(end, null, output === 'json' ? 2 : undefined);
        context.terminal.data(output === 'text' ? initText(end) : json);
      });
    });
  addSettings(command, ENDPOINT_FLAGS);
  addExamples(command, [
    ['a configuration to fill in', 'wds init'],
    ['for this webhook', 'wds init --url https://example.com/hook --rate 100'],
    ['once per namespace of your own Temporal service', 'wds init --temporal-address temporal.example.com:7233'],
  ]);
}
