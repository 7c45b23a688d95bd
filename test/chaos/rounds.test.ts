// @slow: two rounds with real processes, a minute and a half each, side by side
/**
 * Two rounds of `npm run chaos`, one for each policy, with seeds that stay: real processes that are killed, stopped and cut off, and a judge
 * outside of wds. What it says when it fails repeats the round; other seeds are for the command.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { repeatLine } from '../../chaos/options.ts';
import { runRound } from '../../chaos/round.ts';
import type { RoundChoice } from '../../chaos/schedule.ts';
import { planRound } from '../../chaos/schedule.ts';

const ROUND_LIMIT_MS = 600_000;

const CHOICES: readonly RoundChoice[] = [
  { seed: 2_000, policy: 'hold', rate: 200, store: 'folder' },
  { seed: 2_001, policy: 'resend', rate: 'unlimited', store: 'folder' },
];

describe.concurrent('a round of chaos', () => {
  for (const choice of CHOICES) {
    test(`breaks no promise: ${choice.policy}, rate ${choice.rate}`, { timeout: ROUND_LIMIT_MS }, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'wds-chaos-'));
      const said: string[] = [];
      const { findings, figures, folder: kept } = await runRound(planRound(choice), folder, (text) => said.push(text));
      if (findings.length > 0)
        process.stderr.write(`${said.join('\n')}\nall is in ${kept}; again: ${repeatLine(choice)}\n`);
      else await rm(folder, { recursive: true, force: true });
      expect(findings.map(({ promise, what }) => `${promise}: ${what.slice(0, 300)}`)).toEqual([]);
      expect(figures.alerts).toBeGreaterThan(500);
    });
  }
});
