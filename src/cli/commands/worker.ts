/** `wds worker`: workers alone, as many as wanted. */
import type { Command } from 'commander';
import { Option } from 'commander';
import type { WorkerRole } from '../../app/app.ts';
import { WORKER_ROLES } from '../../app/app.ts';
import type { CommandContext } from '../context.ts';
import { findEndpoint, requireEndpoints } from '../context.ts';
import { addEndpointFlags, addExamples, lineFor } from '../options.ts';
import { processCount, runSeveral } from '../several.ts';

interface WorkerFlags {
  readonly role: WorkerRole;
  readonly processes: number;
}

export function registerWorker(program: Command, context: CommandContext): void {
  const command = program
    .command('worker')
    .description('run workers alone, as many as wanted')
    .addOption(
      new Option('--role <role>', 'files: reading and reports; alerts: sending')
        .choices([...WORKER_ROLES])
        .default('all'),
    )
    .addOption(
      new Option('--processes <count>', 'as many of them, for a host with many cores')
        .default(1)
        .argParser(processCount),
    )
    .action(async ({ role, processes: count }: WorkerFlags, self: Command) => {
      const complete = role === 'files' ? findEndpoint : requireEndpoints;
      const options = { logLevel: 'info', listens: true, complete } as const;
      if (count === 1) await context.useApp(self, options, ({ app }) => app.worker(role));
      else {
        // What is wrong is said once.
        await complete(await context.settings(self, options));
        await inProcesses(count, self, context);
      }
    });
  addEndpointFlags(command);
  addExamples(command, [
    ['one more worker that sends', 'wds worker --role alerts --url https://example.com/hook --rate 100'],
    ['reading and reports only', 'wds worker --role files'],
    ['on a host with eight cores', 'wds worker --role alerts --processes 8'],
  ]);
}

async function inProcesses(count: number, self: Command, context: CommandContext): Promise<void> {
  const { startProcess, signal, pressedAgain } = context.invocation;
  // They have had the same key press, say what it costs, and end.
  pressedAgain.mayEnd = () => false;
  const line = [...lineFor(self, self), '--processes=1'];
  context.exitCode = await runSeveral({
    ...{ count, signal, start: () => startProcess(line) },
    say: (text) => context.terminal.message(`wds: ${text}`),
  });
}
