/** A simulated site: the real activities, workflow and submission in simulated processes, on a simulated disk, network and Temporal. */
import type { Client } from '@temporalio/client';
import type { DeliveryOptions } from '../../src/domain/contracts.ts';
import type { AmbiguousPolicy } from '../../src/domain/endpoint.ts';
import { alertsTaskQueue, filesTaskQueue } from '../../src/domain/names.ts';
import { standingOf } from '../../src/domain/restraint/schedule.ts';
import type { EndpointSession } from '../../src/endpoint/endpoint-session.ts';
import { FolderLedgers } from '../../src/store/folder-ledger.ts';
import type { Ledgers } from '../../src/store/ledger.ts';
import { ObjectLedgers } from '../../src/store/object-ledger.ts';
import { fileWorkflow } from '../../workflows/file-workflow.ts';
import { Chance } from '../chance.ts';
import { FenceWatch } from './fence-watch.ts';
import { Home, Shell } from './home.ts';
import type { Plan } from './plan.ts';
import { Receiver } from './receiver.ts';
import { Scheduler } from './scheduler.ts';
import type { SimFile } from './sim-files.ts';
import { SimNetwork } from './sim-network.ts';
import { SimObjects } from './sim-objects.ts';
import type { ReportPlace } from './sim-process.ts';
import { SimProcess } from './sim-process.ts';
import { SimStore } from './sim-store.ts';
import type { WorkflowFunction } from './temporal/run.ts';
import { simClient } from './temporal/sim-client.ts';
import { SimTemporal } from './temporal/sim-temporal.ts';
import type { ActivityFunction, Wire } from './temporal/worker-host.ts';
import { WorkerHost } from './temporal/worker-host.ts';
import type { Computing } from './wiring.ts';
import { ENDPOINT, fileActivities, sendActivities, simSession } from './wiring.ts';

const MESSAGE_MS = 10;
/** Longer than any schedule. */
const ONCE_WITHIN_MS = 30 * 24 * 3_600_000;

/** What a worker does: all, or one half of it. */
export type Role = 'all' | 'files' | 'alerts';

export interface SimWorker {
  readonly role: Role;
  /** It was asked to end. */
  leaving: boolean;
  readonly process: SimProcess;
  readonly hosts: readonly WorkerHost[];
  readonly wire: Wire;
  readonly session: EndpointSession;
}

export class Site {
  readonly plan: Plan;
  readonly scheduler: Scheduler;
  /** The first is the one that things befall. */
  readonly homes: readonly Home[];
  readonly receiver: Receiver;
  readonly network: SimNetwork;
  readonly temporal: SimTemporal;
  /** By SHA-256. */
  readonly files = new Map<string, SimFile>();
  /** Of the first home. */
  readonly workers: SimWorker[] = [];
  /** The first failed.csv of each folder of reports that had rows. */
  readonly firstFailed = new Map<string, string>();
  policy: AmbiguousPolicy;
  /** Told of a request that must not have begun. */
  onBadRequest: (text: string) => void = () => undefined;
  readonly #chance: Chance;
  readonly #trace: ((text: string) => void) | undefined;
  readonly #fence = new FenceWatch();
  #processes = 0;
  #reports = 0;

  constructor(plan: Plan, trace: ((text: string) => void) | undefined) {
    this.plan = plan;
    this.policy = plan.policy;
    this.#trace = trace;
    const chance = new Chance(plan.seed).fork('noise');
    this.#chance = chance;
    this.scheduler = new Scheduler(chance.fork('order'));
    this.receiver = new Receiver({
      moods: plan.moods,
      kinds: new Map(Object.entries(plan.kinds)),
      chance: chance.fork('receiver'),
      timeoutMs: plan.timeoutMs,
      quietAtMs: plan.quietAtMs,
      passesOn: plan.policy === 'hold' && !plan.steps.some((step) => step.do === 'policy'),
    });
    const { noise } = plan;
    const pace = { wayMs: 10, late: noise.lateRequests, lateMs: 8_000, lost: noise.lostRequests };
    this.network = new SimNetwork(
      this.receiver,
      chance.fork('network'),
      { ...pace, lostAnswers: noise.lostRequests / 2 },
      trace,
    );
    this.network.onWrite = (process, id, open) => {
      const fault = this.#fence.fault(process, id);
      if (fault !== undefined) this.onBadRequest(fault);
      const standing = standingOf(plan.schedule, process.wallMs()).kind;
      if (standing !== 'open' && this.#clocksGoOn) this.onBadRequest(`${id} begins when it is ${standing}`);
      if (open && this.#waitsForAnswers) this.onBadRequest(`${id} begins while an earlier one may be answered`);
    };
    this.temporal = new SimTemporal(
      this.scheduler,
      fileWorkflow as unknown as WorkflowFunction,
      chance.fork('temporal'),
      {
        workflowTaskMs: 10,
        stalls: noise.workflowStalls,
        stallMs: 4_000,
        lostTasks: noise.lostTasks,
        doubledTasks: noise.doubledTasks,
      },
    );
    this.temporal.trace = trace;
    this.homes = plan.homes === 1 ? [new Home(1)] : [new Home(1), new Home(2)];
    if (plan.apart) this.workers.push(this.startWorker('files'));
    for (let count = 0; count < plan.workers; count++) {
      this.workers.push(this.startWorker(plan.apart ? 'alerts' : 'all'));
    }
    for (const home of this.homes.slice(1)) this.startWorker('all', home);
  }

  shell(home: Home): Shell {
    const computing = this.process('shell', home);
    return new Shell(home, computing, this.#client(computing.process));
  }

  get home(): Home {
    return this.homes[0]!;
  }

  process(name: string, home: Home): Computing {
    const process = new SimProcess(this.scheduler, `${name}-${++this.#processes}`);
    const pace = { callMs: 3, stalls: this.plan.noise.storeStalls, stallMs: 3_000 };
    const trace = this.#trace && ((text: string) => this.#trace?.(`${process.name}:${text}`));
    const store = new SimStore(process, home.host, this.#chance.fork(process.name), pace, trace);
    this.#fence.watch(process, store);
    process.reports = this.#reportPlace(home, store);
    const ledgers = this.#ledgers(home, process, store);
    return { plan: this.plan, process, store, ledgers, ownStore: home.ownStore(store) };
  }

  #ledgers({ host, bucket }: Home, process: SimProcess, store: SimStore): Ledgers {
    const { foldFrom, receipts, noise, quietAtMs } = this.plan;
    if (receipts === 'folder') {
      return new FolderLedgers({ store, clock: process, boot: `${host.name}-${host.boot}`, foldFrom });
    }
    const objects = new SimObjects({
      ...{ process, bucket },
      failing: () => (this.scheduler.nowMs < quietAtMs ? noise.failingObjects : 0),
      chance: this.#chance.fork(`${process.name} objects`),
      trace: this.#trace && ((text: string) => this.#trace?.(`${process.name}:${text}`)),
      onReplace: (key, text) => this.#fence.replaced(process, key, text),
    });
    return new ObjectLedgers({ objects, clock: process });
  }

  #reportPlace({ host }: Home, store: SimStore): ReportPlace {
    const read = (path: string): string | undefined => host.disk.read(path)?.toString();
    return {
      takeNumber: () => ++this.#reports,
      publish: (folder, files, number) =>
        store.putAll(folder, files, () => {
          const failed = files.get('failed.csv') ?? '';
          if (failed.includes('\n', failed.indexOf('\n') + 1) && !this.firstFailed.has(folder)) {
            this.firstFailed.set(folder, failed);
          }
          const there = read(`${folder}/report.json`);
          return there === undefined || (JSON.parse(there) as { readonly number: number }).number < number;
        }),
      read,
    };
  }

  #client(process: SimProcess): Client {
    return simClient(this.temporal, process, this.#chance.fork(`${process.name} client`), MESSAGE_MS);
  }

  get #clocksGoOn(): boolean {
    return !this.plan.steps.some((step) => step.do === 'clock');
  }

  /** Under `resend` nothing is sent again before that, as far as clocks can tell. */
  get #waitsForAnswers(): boolean {
    const { policy, steps } = this.plan;
    const blurring = ['clock', 'policy', 'power-loss'];
    return policy === 'resend' && !steps.some((step) => blurring.includes(step.do));
  }

  get delivery(): DeliveryOptions {
    const { batchSize, parallelChunks, maxStubborn, maxHistoryEvents, once } = this.plan;
    const { schedule } = this.plan;
    const when = schedule === undefined ? {} : { schedule };
    const options = { batchSize, parallelChunks, ambiguous: this.policy, maxStubborn, maxHistoryEvents, ...when };
    return once ? { ...options, once: { withinMs: ONCE_WITHIN_MS } } : options;
  }

  startWorker(role: Role, home = this.home): SimWorker {
    const parts = this.process(role === 'all' ? 'worker' : role, home);
    const { process } = parts;
    const chance = this.#chance.fork(`${process.name} temporal`);
    const { lostCompletions, lostHeartbeats } = this.plan.noise;
    const wire: Wire = { messageMs: MESSAGE_MS, lostCompletions, lostHeartbeats, cut: false };
    const session = simSession(parts, this.network.client(process, this.plan.timeoutMs), this.policy);
    const worker = (taskQueue: string, activities: Record<string, ActivityFunction>): WorkerHost =>
      new WorkerHost({
        ...{ process, taskQueue, activities, slots: 2, wire, chance },
        onFree: () => this.temporal.freed(taskQueue),
      });
    const { installation } = home;
    const hosts: WorkerHost[] = [];
    if (role !== 'alerts') {
      hosts.push(worker(filesTaskQueue(installation), fileActivities(parts, this.#client(process), this.files)));
    }
    if (role !== 'files') {
      hosts.push(worker(alertsTaskQueue(ENDPOINT, installation), sendActivities(parts, session)));
    }
    for (const one of hosts) this.temporal.addWorker(one);
    return { role, leaving: false, process, hosts, wire, session };
  }
}
