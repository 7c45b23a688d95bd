/** Runs the governor against a receiver model, with workers that come and go. The same scenario and seed give the same run. */

import type { GovernorConfig, LeaseAnswer, LeaseRequest, Override } from '../../src/domain/governor/contract.ts';
import { LEASE_MS } from '../../src/domain/governor/contract.ts';
import type { GovernorState } from '../../src/domain/governor/governor.ts';
import { decide, newGovernor, totalPerSecond } from '../../src/domain/governor/governor.ts';
import { faultOfLeaseRequest } from '../../src/domain/governor/message-faults.ts';
import { Chance } from '../chance.ts';
import { EventQueue } from './event-queue.ts';
import type { SecondCounts, SimReceiverPlan } from './sim-receiver.ts';
import { SimReceiver } from './sim-receiver.ts';
import type { SimWorkerPlan } from './sim-worker.ts';
import { SimWorker } from './sim-worker.ts';

export interface Scenario {
  readonly name: string;
  readonly seconds: number;
  readonly rate: GovernorConfig['rate'];
  /** A window's quota may be used at once. `windowMs`: that of a stated rate. */
  readonly burst?: { readonly windowMs?: number };
  readonly receiver: SimReceiverPlan;
  readonly workers: readonly SimWorkerPlan[];
  /** The governor's state is lost. */
  readonly governorLostAtMs?: number;
  readonly overrides?: readonly { readonly atMs: number; readonly override: Override }[];
  /** Each way; default 10 to 55. */
  readonly messageMs?: readonly [least: number, most: number];
}

export interface Run {
  readonly seconds: readonly SecondCounts[];
  /** Renewals of each worker. */
  readonly renewals: readonly number[];
  /** When they were made. */
  readonly renewalTimesMs: readonly number[];
  /** What the governor meant to allow, at each whole second. */
  readonly totals: readonly number[];
  readonly state: GovernorState;
  readonly largestStateBytes: number;
}

export const TWO_WORKERS: readonly SimWorkerPlan[] = [{ joinsAtMs: 0 }, { joinsAtMs: 120 }];

export function simulate(scenario: Scenario, seed: number): Run {
  const queue = new EventQueue();
  const chance = new Chance(seed);
  const random = (): number => chance.next();
  const config: GovernorConfig = {
    ...{ rate: scenario.rate, batchSize: 1_000 },
    ...(scenario.burst === undefined ? {} : { shape: 'burst', ...scenario.burst }),
  };
  let state = newGovernor(config, 0);
  let largestStateBytes = 0;
  const receiver = new SimReceiver(scenario.receiver, scenario.seconds, queue, random);
  const [least, most] = scenario.messageMs ?? [10, 55];
  const delay = (): number => least + (most - least) * random();
  const renewalTimesMs: number[] = [];
  const askGovernor = (request: LeaseRequest, answer: (answer: LeaseAnswer) => void): void =>
    queue.after(delay(), () => {
      renewalTimesMs.push(queue.nowMs);
      const fault = faultOfLeaseRequest(JSON.parse(JSON.stringify(request)));
      if (fault !== undefined) throw new Error(`${request.workerId}: ${fault}`);
      // What continue-as-new would carry.
      const text = JSON.stringify(state);
      largestStateBytes = Math.max(largestStateBytes, text.length);
      const decision = decide(JSON.parse(text), { type: 'lease', request }, queue.nowMs);
      state = decision.state;
      queue.after(delay(), () => answer(decision.answer!));
    });
  const workers = scenario.workers.map(
    (plan, index) =>
      new SimWorker(`w${index}`, plan, {
        ...{ queue, random, askGovernor, bursts: scenario.burst !== undefined },
        request: (a) => receiver.request(a),
      }),
  );
  if (scenario.governorLostAtMs !== undefined) {
    queue.at(scenario.governorLostAtMs, () => {
      state = newGovernor(config, queue.nowMs, LEASE_MS);
    });
  }
  for (const { atMs, override } of scenario.overrides ?? []) {
    queue.at(atMs, () => {
      state = decide(state, { type: 'override', override }, queue.nowMs).state;
    });
  }
  const totals: number[] = [];
  for (let second = 0; second < scenario.seconds; second++) {
    queue.at(second * 1_000, () => totals.push(totalPerSecond(state, queue.nowMs)));
  }
  queue.runUntil(scenario.seconds * 1_000);
  const renewals = workers.map((worker) => worker.renewals);
  return { seconds: receiver.seconds, renewals, renewalTimesMs, totals, state, largestStateBytes };
}

export interface Figures {
  /** Accepted, of what the receiver would have taken. */
  readonly used: number;
  /** 429s, of the requests. */
  readonly throttled: number;
  readonly requests: number;
}

export function figures(run: Run, fromSecond = 0, toSecond = run.seconds.length): Figures {
  const part = run.seconds.slice(fromSecond, toSecond);
  const sum = (key: keyof SecondCounts): number => part.reduce((total, counts) => total + counts[key], 0);
  const requests = sum('requests');
  return {
    used: sum('accepted') / sum('capacity'),
    throttled: requests === 0 ? 0 : sum('throttled') / requests,
    requests,
  };
}
