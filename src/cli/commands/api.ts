/** `wds api`: the HTTP API. */
import type { Command } from 'commander';
import type { ApiState } from '../../app/standing.ts';
import type { CommandContext } from '../context.ts';
import { requireEndpoints } from '../context.ts';
import { API_FLAGS, addEndpointFlags, addExamples, addSettings, ONCE_FLAGS, PARSE_FLAGS } from '../options.ts';
import { endpointLines, inboxLines } from '../standing-output.ts';

export function registerApi(program: Command, context: CommandContext): void {
  const command = program
    .command('api')
    .description('run the HTTP API with its pages, and the watcher that takes what is uploaded')
    .action(async (_flags: object, self: Command) => {
      const { cwd } = context.invocation;
      const ready = (state: ApiState): void => context.terminal.message(apiText(state, cwd));
      await context.useApp(self, { logLevel: 'info', complete: requireEndpoints }, ({ app }) => app.api(ready));
    });
  addSettings(command, API_FLAGS);
  addEndpointFlags(command);
  addSettings(command, PARSE_FLAGS);
  addSettings(command, ONCE_FLAGS);
  addExamples(command, [
    ['on this machine only', 'wds api --url https://example.com/hook'],
    [
      'for other machines: clients send the token',
      'WDS_API_TOKEN=$(cat token) wds api --api-host 0.0.0.0 --config /etc/wds.config.yaml',
    ],
  ]);
}

function apiText({ address, inboxes, endpoints, works }: ApiState, cwd: string): string {
  return [
    `API        ${address}   ${address}/openapi.json describes it`,
    ...inboxLines(inboxes, cwd, 'what is uploaded goes through it'),
    ...endpointLines(endpoints),
    works ? 'Workers    in this process' : 'Workers    those of wds worker',
  ].join('\n');
}
