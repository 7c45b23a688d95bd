/** The flags of `npm run simulate`; command.ts says what each does. */
import { parseArgs } from 'node:util';

/** Throws an Error whose message is for the person who typed them. */
export function readFlags(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string', default: '1' },
      schedules: { type: 'string' },
      minutes: { type: 'string' },
      processes: { type: 'string', default: '1' },
      stride: { type: 'string', default: '1' },
      // Heeded by main.ts.
      mutation: { type: 'string' },
      'until-violation': { type: 'boolean', default: false },
      plan: { type: 'string' },
      theme: { type: 'string' },
      trace: { type: 'boolean', default: false },
      shrink: { type: 'boolean', default: false },
      counts: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  return values;
}
