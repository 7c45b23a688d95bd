/** `wds endpoint …`: looking at endpoints, and overriding what their governors decide. */
import type { Command } from 'commander';
import { RATE_EXPECTED, rateOf, windowOf } from '../../domain/endpoint.ts';
import { Fault } from '../../domain/failure.ts';
import type { Override } from '../../domain/governor/contract.ts';
import type { CommandContext } from '../context.ts';
import { findEndpoint } from '../context.ts';
import { endpointsText, endpointText, orderText, releaseText } from '../endpoint-output.ts';
import type { GlobalOptions } from '../options.ts';
import { addExamples } from '../options.ts';

const NAME = ['[name]', 'the endpoint; may be left out where there is one'] as const;
const USE = { logLevel: 'warn', complete: findEndpoint } as const;

export function registerEndpoint(program: Command, context: CommandContext): void {
  const endpoint = program.command('endpoint').description('look at the endpoints, and override their rate');
  addExamples(endpoint, [
    ['why is nothing sent?', 'wds endpoint show'],
    ['the receiver has an incident', 'wds endpoint pause crm'],
    ['at most 20 a second until further notice', 'wds endpoint set-rate crm 20'],
  ]);

  endpoint
    .command('list')
    .description('the endpoints that are configured, or that something was sent to')
    .action(async (_flags: object, self: Command) => {
      await context.useApp(self, USE, async ({ app }) => {
        const endpoints = await app.endpoints();
        const { output } = self.optsWithGlobals() as GlobalOptions;
        const { terminal } = context;
        if (output === 'text') terminal.data(endpointsText(endpoints, terminal.paintData));
        else if (output === 'json') terminal.data(JSON.stringify(endpoints, null, 2));
        else for (const one of endpoints) terminal.data(JSON.stringify(one));
      });
    });

  endpoint
    .command('show')
    .description('its rate now, its circuit and why it is open, and the limit in the Temporal server')
    .argument(...NAME)
    .action(async (name: string | undefined, _flags: object, self: Command) => {
      await act(context, self, name);
    });

  const orders: readonly (readonly [Exclude<Override['type'], 'set-rate'>, string])[] = [
    ['pause', 'send nothing to it, by any worker; files wait'],
    ['resume', 'send again, also where the circuit is open'],
    ['forget', "forget what was learned about it, and clear the Temporal server's limit"],
  ];
  for (const [type, about] of orders) {
    endpoint
      .command(type)
      .description(about)
      .argument(...NAME)
      .action(async (name: string | undefined, _flags: object, self: Command) => {
        await act(context, self, name, { type });
      });
  }

  const release = endpoint
    .command('release')
    .description('free its name, which belongs to the first installation that uses it in a Temporal namespace')
    .argument('<name>', 'the endpoint')
    .action(async (name: string, _flags: object, self: Command) => {
      await context.useApp(self, { logLevel: 'warn' }, async ({ app }) => {
        const released = await app.releaseEndpoint(name);
        const { output } = self.optsWithGlobals() as GlobalOptions;
        const { terminal } = context;
        if (output === 'text') terminal.data(releaseText(released));
        else terminal.data(JSON.stringify(released, null, output === 'json' ? 2 : undefined));
      });
    });
  addExamples(release, [['the home that used it is gone for good', 'wds endpoint release crm']]);

  const setRate = endpoint
    .command('set-rate')
    .description('hold this rate, whatever is configured')
    .usage('[options] [name] <rate>')
    .argument(...NAME)
    .argument('[rate]', 'requests a second (20, 20/s, 1200/min), auto, unlimited, or configured: as before')
    .action(async (first: string | undefined, second: string | undefined, _flags: object, self: Command) => {
      const [name, rate] = second === undefined ? [undefined, first] : [first, second];
      await act(context, self, name, setRateTo(rate));
    });
  addExamples(setRate, [
    ['20 requests a second', 'wds endpoint set-rate crm 20'],
    ['find the rate out', 'wds endpoint set-rate crm auto'],
    ['back to the configuration', 'wds endpoint set-rate crm configured'],
  ]);
}

async function act(context: CommandContext, self: Command, name: string | undefined, order?: Override): Promise<void> {
  await context.useApp(self, USE, async ({ app }) => {
    const endpoint = await app.endpoint(name, order);
    const { output } = self.optsWithGlobals() as GlobalOptions;
    const { terminal } = context;
    if (output !== 'text') terminal.data(JSON.stringify(endpoint, null, output === 'json' ? 2 : undefined));
    else if (order === undefined) terminal.data(endpointText(endpoint, terminal.paintData));
    else terminal.data(orderText(endpoint, order));
  });
}

function setRateTo(text: string | undefined): Override {
  const rate = text === 'configured' ? null : rateOf(text ?? '');
  const windowMs = windowOf(text ?? '');
  if (rate !== undefined) return { type: 'set-rate', rate, ...(windowMs === undefined ? {} : { windowMs }) };
  throw new Fault(
    'usage',
    text === undefined ? 'set-rate needs a RATE' : `${text} is not a rate`,
    `Give ${RATE_EXPECTED}, or configured.`,
  );
}
