/** `wds up`: everything in one process tree. */
import { performance } from 'node:perf_hooks';
import type { Command } from 'commander';
import { Option } from 'commander';
import type { UpOptions } from '../../app/app.ts';
import type { UpState } from '../../app/standing.ts';
import type { CommandContext } from '../context.ts';
import { findEndpoint } from '../context.ts';
import {
  API_FLAGS,
  addEndpointFlags,
  addExamples,
  addSettings,
  CARE_FLAGS,
  lineFor,
  ONCE_FLAGS,
  PARSE_FLAGS,
} from '../options.ts';
import { endText } from '../output.ts';
import { shownPlace } from '../places.ts';
import { ProgressDisplay } from '../progress.ts';
import { growWithWork, processCount, processesForCores } from '../several.ts';
import { endpointLines, inboxLines } from '../standing-output.ts';

interface UpFlags {
  readonly example: boolean;
  readonly processes?: number;
}

export function registerUp(program: Command, context: CommandContext): void {
  const command = program
    .command('up')
    .description('run everything: Temporal where none is set, watcher, workers, and a receiver where no endpoint is')
    .option('--no-example', 'do not deliver the bundled example, also where nothing is configured')
    .addOption(
      new Option(
        '--processes <count>',
        'as many at most, each started when there is work for it (by the cores, 4 at most)',
      ).argParser(processCount),
    )
    .action(async ({ example, processes }: UpFlags, self: Command) => {
      const say = (text: string): void => context.terminal.message(text);
      const { terminal, invocation } = context;
      const display = new ProgressDisplay(terminal, invocation.nowMs);
      let others = Promise.resolve();
      const observer: UpOptions['observer'] = {
        exampleBegins: () => say('Delivering the bundled example, examples/alerts.csv …'),
        exampleEnded: (end) => say(endText(end, (text) => text)),
        ready: (state) => {
          say(upText(state, invocation.cwd));
          const count = processes ?? processesForCores(state.webUi !== undefined);
          others = growBeside(count - 1, self, context);
        },
        // Elsewhere than on a terminal the log says what happens.
        ...(terminal.isInteractive
          ? { files: { progress: (update) => display.update(update), left: (file) => display.ended(file) } }
          : {}),
      };
      await context.useApp(self, { logLevel: 'info', complete: findEndpoint }, ({ app }) =>
        app.up({ example, observer }),
      );
      await others;
    });
  addEndpointFlags(command);
  addSettings(command, PARSE_FLAGS);
  addSettings(command, ONCE_FLAGS);
  addSettings(command, CARE_FLAGS);
  addSettings(command, API_FLAGS);
  addExamples(command, [
    ['see it work: a bundled receiver takes the alerts', 'wds up'],
    ['deliver what is dropped into ./inbox', 'wds up --url https://example.com/hook --rate 100'],
  ]);
}

/** Workers beside those of this process. */
function growBeside(most: number, self: Command, { invocation, terminal }: CommandContext): Promise<void> {
  const worker = self.parent!.commands.find((command) => command.name() === 'worker')!;
  const line = lineFor(worker, self);
  let last = performance.eventLoopUtilization();
  return growWithWork({
    ...{ most, signal: invocation.signal, start: () => invocation.startProcess([...line, '--processes=1']) },
    say: (text) => terminal.message(`wds: ${text}`),
    busy: () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, last);
      last = now;
      return utilization;
    },
  });
}

function upText(
  { inboxes, reportsRoot, temporalAddress, webUi, api, endpoints, bundledRate }: UpState,
  cwd: string,
): string {
  const named = endpoints.map(({ name, url }) => ({
    name: bundledRate === undefined ? name : `the bundled receiver, ${bundledRate} alerts a second`,
    url,
  }));
  return [
    ...inboxLines(inboxes, cwd, 'drop .csv, .ndjson or .json files here, also .gz'),
    `Reports    ${shownPlace(reportsRoot, cwd)}   a folder for each file`,
    `Web UI     ${webUi ?? `of your Temporal service at ${temporalAddress}`}`,
    `API        ${api}   uploads, posts, and pages for the browser`,
    ...endpointLines(named),
    bundledRate === undefined
      ? 'Next       wds status, in another terminal; Ctrl-C stops everything, the next start goes on'
      : 'Next       deliver to your own webhook: npm start -- --url https://example.com/hook --rate 100',
  ].join('\n');
}
