/** What goes wrong with the processes and the machine of a site, and how it is well again. */
import type { Chance } from '../chance.ts';
import type { DiskTrouble } from './disk.ts';
import type { Step } from './plan.ts';
import type { Role, SimWorker, Site } from './site.ts';

export type WorkerStep = Extract<Step, { readonly worker: number }>;

export class Troubles {
  powerLosses = 0;
  readonly #site: Site;
  readonly #chance: Chance;
  /** Workers that run at the start. */
  readonly #workers: number;
  #diskChanges = 0;

  constructor(site: Site, chance: Chance) {
    this.#site = site;
    this.#chance = chance;
    this.#workers = site.workers.length;
  }

  befall(step: WorkerStep): void {
    const alive = this.#site.workers.filter(stays);
    const worker = alive[step.worker % Math.max(1, alive.length)];
    if (worker !== undefined) this.#trouble(worker, step);
  }

  losePower(backAfterMs: number): void {
    const { host } = this.#site.home;
    this.powerLosses++;
    this.restartAll(backAfterMs);
    host.disk.losePower(this.#chance);
    host.boot++;
  }

  restartAll(backAfterMs: number): void {
    for (const worker of [...this.#site.workers]) if (!worker.process.dead) this.#restart(worker, backAfterMs);
  }

  disk(trouble: DiskTrouble, forMs: number): void {
    const { scheduler } = this.#site;
    this.#change(trouble, () => scheduler.after(forMs, undefined, () => this.#change('none', () => undefined)));
  }

  /** A mount that goes and comes within one reading of a file leaves parts of it in the folder below: that is not simulated. */
  #change(to: DiskTrouble, done: () => void, change = ++this.#diskChanges): void {
    const { host } = this.#site.home;
    // Of two that wait for it the later one holds: the disk is well at the end.
    if (change < this.#diskChanges) return;
    if ((to === 'gone' || host.trouble === 'gone') && !this.#isNobodyReading) {
      this.#site.scheduler.after(20, undefined, () => this.#change(to, done, change));
      return;
    }
    host.trouble = to;
    done();
  }

  get #isNobodyReading(): boolean {
    return this.#site.workers.every(({ process, hosts }) => process.dead || hosts[0]!.isIdle);
  }

  /** Everything runs, and the disk is well. */
  end(): void {
    const { scheduler, workers } = this.#site;
    this.#change('none', () => undefined);
    for (const { process, wire } of workers) {
      process.diesAtStoreCall = Number.POSITIVE_INFINITY;
      wire.cut = false;
      scheduler.goOn(process);
    }
    for (const { role } of workers.slice(0, this.#workers)) {
      const alive = workers.some((worker) => stays(worker) && worker.role === role);
      if (!alive) workers.push(this.#site.startWorker(role));
    }
  }

  #trouble(worker: SimWorker, step: WorkerStep): void {
    const { scheduler } = this.#site;
    const { process } = worker;
    switch (step.do) {
      case 'kill':
        this.#restart(worker, step.backAfterMs);
        return;
      case 'kill-at-call':
        process.diesAtStoreCall = process.storeCalls + step.calls;
        process.onDeath(() => this.#startLater(worker.role, step.backAfterMs));
        return;
      case 'stop':
        scheduler.stop(process);
        scheduler.after(step.forMs, undefined, () => scheduler.goOn(process));
        return;
      case 'term':
        worker.leaving = true;
        worker.session.stop();
        for (const host of worker.hosts) host.shutDown(() => undefined);
        scheduler.after(25_000, undefined, () => process.kill());
        this.#startLater(worker.role, step.backAfterMs);
        return;
      case 'clock':
        process.wallAheadMs += step.aheadMs;
        return;
      case 'server-cut':
        worker.wire.cut = true;
        scheduler.after(step.forMs, undefined, () => {
          worker.wire.cut = false;
          for (const host of worker.hosts) this.#site.temporal.freed(host.taskQueue);
        });
    }
  }

  #restart({ process, role }: SimWorker, backAfterMs: number): void {
    process.kill();
    this.#startLater(role, backAfterMs);
  }

  #startLater(role: Role, afterMs: number): void {
    this.#site.scheduler.after(afterMs, undefined, () => {
      const alive = this.#site.workers.filter(stays).length;
      if (alive <= this.#workers) this.#site.workers.push(this.#site.startWorker(role));
    });
  }
}

const stays = ({ process, leaving }: SimWorker): boolean => !process.dead && !leaving;
