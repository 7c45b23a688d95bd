/** `wds status`: what is going on, once or again and again. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { StatusReport } from '../../app/app.ts';
import { endedOf } from '../../domain/counts.ts';
import type { CommandContext } from '../context.ts';
import { findEndpoint } from '../context.ts';
import type { GlobalOptions } from '../options.ts';
import { addExamples, numberFrom } from '../options.ts';
import { statusText } from '../status-output.ts';

const WATCH_EVERY_MS = 2_000;

interface StatusFlags {
  readonly limit: number;
  readonly watch?: true;
}

export function registerStatus(program: Command, context: CommandContext): void {
  const command = program
    .command('status')
    .description('show the files and endpoints, and why files wait')
    .option('-n, --limit <count>', 'so many files: those under way, and the newest', numberFrom(1, 10_000, true), 20)
    .option('-w, --watch', 'again every two seconds, until Ctrl-C')
    .action(async ({ limit, watch }: StatusFlags, self: Command) => {
      await context.useApp(self, { logLevel: 'warn', complete: findEndpoint }, async ({ app }) => {
        const { signal, nowMs } = context.invocation;
        let before: Reading | undefined;
        for (;;) {
          const reading = withRates({ status: await app.status({ limit }), atMs: nowMs() }, before);
          show(context, self, reading.status, watch === true);
          if (!watch || signal.aborted) return;
          before = reading;
          await sleep(WATCH_EVERY_MS, undefined, { signal }).catch(() => undefined);
          if (signal.aborted) return;
        }
      });
    });
  addExamples(command, [
    ['the last 20 files', 'wds status'],
    ['look on', 'wds status --watch'],
    ['failed files, for a script', `wds status -n 1000 -o jsonl | jq -r 'select(.state == "failed").file'`],
  ]);
}

interface Reading {
  readonly status: StatusReport;
  readonly atMs: number;
}

/** Adds how fast files have got on since the last reading. */
function withRates({ status, atMs }: Reading, before: Reading | undefined): Reading {
  if (before === undefined || atMs <= before.atMs) return { status, atMs };
  const earlier = new Map(before.status.files.map((file) => [file.workflowId, endedOf(file)]));
  const files = status.files.map((file) => {
    const was = earlier.get(file.workflowId);
    if (file.state !== 'running' || was === undefined) return file;
    const perSecond = (Math.max(0, endedOf(file) - was) * 1_000) / (atMs - before.atMs);
    return { ...file, perSecond: Math.round(perSecond * 10) / 10 };
  });
  return { status: { ...status, files }, atMs };
}

function show({ terminal }: CommandContext, self: Command, status: StatusReport, watch: boolean): void {
  const { output } = self.optsWithGlobals() as GlobalOptions;
  if (output === 'text') {
    const text = statusText(status, terminal.paintData, terminal.dataColumns);
    if (watch && terminal.isDataInteractive) terminal.screen(text);
    else terminal.data(watch ? `${text}\n` : text);
  } else if (output === 'json') terminal.data(JSON.stringify(status, null, 2));
  else for (const file of status.files) terminal.data(JSON.stringify(file));
}
