/** `wds worker`: workers alone, as many as wanted. */
import type { Command } from 'commander';
import { Option } from 'commander';
import type { WorkerRole } from '../../app/app.ts';
import { WORKER_ROLES } from '../../app/app.ts';
import type { CommandContext } from '../context.ts';
import { findEndpoint, requireEndpoints } from '../context.ts';
import { addEndpointFlags, addExamples } from '../options.ts';

export function registerWorker(program: Command, context: CommandContext): void {
  const command = program
    .command('worker')
    .description('run workers alone, as many as wanted')
    .addOption(
      new Option('--role <role>', 'files: reading and reports; alerts: sending')
        .choices([...WORKER_ROLES])
        .default('all'),
    )
    .action(async ({ role }: { readonly role: WorkerRole }, self: Command) => {
      const complete = role === 'files' ? findEndpoint : requireEndpoints;
      await context.useApp(self, { logLevel: 'info', listens: true, complete }, ({ app }) => app.worker(role));
    });
  addEndpointFlags(command);
  addExamples(command, [
    ['one more worker that sends', 'wds worker --role alerts --url https://example.com/hook --rate 100'],
    ['reading and reports only', 'wds worker --role files'],
  ]);
}
