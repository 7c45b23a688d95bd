/** One round: everything is brought up, disturbed for a minute, brought to its end as by an operator, and judged twice. */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Attacks } from './attacks.ts';
import { Deliveries } from './deliveries.ts';
import { readReports } from './evidence.ts';
import type { Figures, Finding } from './judge.ts';
import { judge } from './judge.ts';
import { sendUnconfirmed, settle } from './operator.ts';
import type { RoundPlan } from './plan.ts';
import { readRequests } from './receiver-log.ts';
import { ENDPOINT, GRACE_LIMIT_MS, Site } from './site.ts';
import type { Termination } from './supervised.ts';

/** The default of `endpoint.maximumUnanswered`. */
const MAXIMUM_UNANSWERED = 3;

export interface RoundResult {
  readonly plan: RoundPlan;
  readonly findings: readonly Finding[];
  /** After the operator's `retry`, before the decision on what is unconfirmed. */
  readonly figures: Figures;
  readonly attacks: ReadonlyMap<string, number>;
  readonly terminations: readonly Termination[];
  readonly settledMs: number;
  readonly seconds: number;
  /** What is left for inspection; undefined: nothing was broken. */
  readonly folder: string | undefined;
}

/** `folder` is made, or empty, and removed again when no promise was broken. `say` gets a line for each event. */
export async function runRound(plan: RoundPlan, folder: string, say: (text: string) => void): Promise<RoundResult> {
  const startedMs = performance.now();
  mkdirSync(folder, { recursive: true });
  // What an earlier round left, Temporal's database above all, would be taken for this one's.
  if (readdirSync(folder).length > 0)
    throw new Error(`${folder} is left of an earlier round; move it away, or name another --folder`);
  writeFileSync(join(folder, 'plan.json'), JSON.stringify(plan, null, 1));
  const site = await Site.open(folder, plan, say);
  const terminations: Termination[] = [];
  const deliveries = new Deliveries(plan.files, (sha256) => site.premises.failedCsv(sha256));
  const attacks = new Attacks(site, deliveries, say);
  let closed = false;
  try {
    await attacks.run(plan);
    const { ms, overdue } = await settle(site, say);
    const judgeNow = async () => {
      const files = await readReports(site, deliveries.inputs, (sha256) => deliveries.presses(sha256));
      const requests = readRequests(site.requestLog);
      return judge({
        ...{ policy: plan.policy, maximumUnanswered: MAXIMUM_UNANSWERED, endpoint: ENDPOINT, files, requests },
      });
    };
    const first = await judgeNow();
    const second = first.figures.unconfirmed > 0 ? await sendUnconfirmed(site, deliveries, say).then(judgeNow) : first;
    const found = [
      ...overdue.map((what): Finding => ({ promise: 'overdue', what })),
      ...first.findings,
      ...(second === first
        ? []
        : second.findings.map(({ promise, what }) => ({ promise, what: `after the press: ${what}` }))),
    ];
    const kept = found.length > 0 ? join(folder, 'home-kept') : undefined;
    closed = true;
    terminations.push(...attacks.terminations, ...(await site.close(kept)));
    const findings = [...found, ...terminations.flatMap(judgeTermination)];
    writeFileSync(join(folder, 'findings.json'), JSON.stringify(findings, null, 1));
    if (findings.length === 0) rmSync(folder, { recursive: true, force: true });
    return {
      plan,
      findings,
      figures: first.figures,
      attacks: attacks.done,
      terminations,
      settledMs: ms,
      seconds: (performance.now() - startedMs) / 1_000,
      folder: existsSync(folder) ? folder : undefined,
    };
  } finally {
    if (!closed) await site.close(join(folder, 'home-kept'));
  }
}

/** The receiver and the server are not ours to judge. */
function judgeTermination({ name, ms, how }: Termination): Finding[] {
  if (name === 'receiver' || name === 'server' || (ms < GRACE_LIMIT_MS && how === 'exit code 0')) return [];
  return [{ promise: 'stubbornProcess', what: `${name} ended with ${how} ${(ms / 1_000).toFixed(1)} s after SIGTERM` }];
}
