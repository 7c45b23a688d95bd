/** Carries out what a plan says, at its time, and counts it. Nothing here waits longer than its fault lasts. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Deliveries } from './deliveries.ts';
import type { Order, PlannedEvent, RoundPlan } from './plan.ts';
import { eventText, hostOf, WDS_PROCESSES } from './plan.ts';
import type { Site } from './site.ts';
import type { Termination } from './supervised.ts';

const COMMAND_LIMIT_MS = 25_000;
const COMMAND_DEADLINE_SECONDS = '12';

export class Attacks {
  /** How often each kind was really done: what found nobody to do it to does not count. */
  readonly done = new Map<string, number>();
  readonly terminations: Termination[] = [];
  readonly #site: Site;
  readonly #deliveries: Deliveries;
  readonly #say: (text: string) => void;
  #mood = 0;
  #fullDisks = 0;
  #storeFaults = 0;

  constructor(site: Site, deliveries: Deliveries, say: (text: string) => void) {
    this.#site = site;
    this.#deliveries = deliveries;
    this.#say = say;
  }

  /** Resolves when the time of the faults is over, and all that was begun has ended or been undone. */
  async run({ events, faultsMs }: RoundPlan): Promise<void> {
    const startedMs = performance.now();
    const until = (atMs: number): Promise<void> => sleep(Math.max(0, startedMs + atMs - performance.now()));
    const over = until(faultsMs);
    const all = events.map(async ({ atMs, event }) => {
      await until(atMs);
      const what = await this.#carryOut(event, over).catch((error: Error) => {
        this.#say(`${eventText(event)}: ${error.message}`);
        return undefined;
      });
      if (what !== undefined) this.done.set(what, (this.done.get(what) ?? 0) + 1);
    });
    await over;
    this.#site.calm();
    await Promise.all(all);
    this.#site.calm();
  }

  /** What was done, in words for the table; undefined: nothing. `over`: when everything must be undone. */
  async #carryOut(event: PlannedEvent, over: Promise<void>): Promise<string | undefined> {
    const site = this.#site;
    const lasting = (ms: number): Promise<unknown> => Promise.race([sleep(ms), over]);
    this.#say(eventText(event));
    switch (event.kind) {
      case 'drop':
        return this.#drop(event.file, event.as, event.slowly);
      case 'mend':
        return this.#mend(event);
      case 'submit':
        return this.#submit(event.file, `${event.rate}`);
      case 'order':
        return this.#order(event.order, event.file);
      case 'kill':
        return site.process(event.target).kill(event.downMs) ? `kill -9 of ${roleOf(event.target)}` : undefined;
      case 'terminate': {
        const termination = await site.process(event.target).terminate(event.downMs);
        if (termination === undefined) return undefined;
        this.terminations.push(termination);
        return `SIGTERM of ${roleOf(event.target)}`;
      }
      case 'stop': {
        if (!site.process(event.target).stop()) return undefined;
        await lasting(event.forMs);
        site.process(event.target).continue();
        return `SIGSTOP of ${roleOf(event.target)}${event.forMs > 35_000 ? ', longer than 35 s' : ''}`;
      }
      case 'cut':
        site.link(event.link).cut(event.share);
        return `cut connections with ${peerOf(event.link)}`;
      case 'refuse':
        site.link(event.link).refuse(true);
        await lasting(event.forMs);
        site.link(event.link).refuse(false);
        return `no connections with ${peerOf(event.link)}`;
      case 'stall':
        site.link(event.link).stall(true);
        await lasting(event.forMs);
        site.link(event.link).stall(false);
        return `connections with ${peerOf(event.link)} hang`;
      case 'mood': {
        const mine = ++this.#mood;
        site.receive({ mood: event.mood, share: event.share });
        await lasting(event.forMs);
        // A later mood took its place.
        if (mine === this.#mood) site.receive({ mood: 'well', share: 0 });
        return `receiver ${event.mood}`;
      }
      case 'full-disk':
        this.#fullDisks++;
        site.fillDisk(true);
        await lasting(event.forMs);
        if (--this.#fullDisks === 0) site.fillDisk(false);
        return `full disk${site.premises.disk?.mounted ? '' : ' (failing writes)'}`;
      case 'kill-hosts': {
        const theirs = WDS_PROCESSES.filter((name) => event.hosts.includes(hostOf(name)));
        const killed = theirs.filter((name) => site.process(name).kill(event.downMs));
        if (killed.length === 0) return undefined;
        return `kill -9 of all processes of ${event.hosts.length === 1 ? 'a host' : 'both hosts'}`;
      }
      case 'store': {
        const mine = ++this.#storeFaults;
        site.premises.disturbStore(event.fault, event.share);
        await lasting(event.forMs);
        if (mine === this.#storeFaults) site.premises.disturbStore(undefined, 0);
        return `S3: ${event.fault}`;
      }
      case 'clock':
        site.troubles(event.target).stepClock(event.offsetSeconds * 1_000);
        return `clock step ${event.offsetSeconds < 0 ? 'back' : 'ahead'}`;
    }
  }

  async #drop(file: number, as: string, slowly: boolean): Promise<string> {
    const again = this.#deliveries.wasDropped(file);
    const { bytes } = this.#deliveries.planned(file);
    await this.#site.premises.drop(as, bytes, slowly);
    this.#deliveries.dropped(file);
    return again ? 'same bytes dropped again' : 'file dropped';
  }

  async #mend({ file, way }: PlannedEvent & { kind: 'mend' }): Promise<string | undefined> {
    const mended = this.#deliveries.mend(file, way);
    if (mended === undefined) return undefined;
    await this.#site.premises.drop(mended.name, mended.bytes, false);
    return `mended failed.csv dropped (${way})`;
  }

  async #submit(file: number, rate: string): Promise<string> {
    const { name, bytes } = this.#deliveries.planned(file);
    const path = join(this.#site.folder, 'outside', `sent-${name}`);
    await writeFile(path, bytes);
    const args = ['send', path, '--rate', rate, '--deadline', COMMAND_DEADLINE_SECONDS];
    await this.#site.wds(args, COMMAND_LIMIT_MS);
    return 'wds send with another --rate';
  }

  async #order(order: Order, file: number): Promise<string | undefined> {
    const site = this.#site;
    if (order === 'endpoint-pause' || order === 'endpoint-resume') {
      const word = order === 'endpoint-pause' ? 'pause' : 'resume';
      await site.wds(['endpoint', word, 'crm'], COMMAND_LIMIT_MS);
      return `wds endpoint ${word}`;
    }
    const input = this.#deliveries.any(file);
    if (input === undefined) return undefined;
    const { sha256 } = input;
    const workflow = ['--workflow-id', `file-${sha256}-crm`, '--reason', 'chaos'];
    switch (order) {
      case 'retry':
        await site.wds(['retry', sha256, '--deadline', COMMAND_DEADLINE_SECONDS], COMMAND_LIMIT_MS);
        return 'wds retry';
      case 'retry-unconfirmed':
        this.#deliveries.pressed(sha256);
        await site.wds(['retry', sha256, '--unconfirmed', '--deadline', COMMAND_DEADLINE_SECONDS], COMMAND_LIMIT_MS);
        return 'wds retry --unconfirmed';
      case 'pause':
      case 'resume':
      case 'cancel':
        await site.wds([order, sha256], COMMAND_LIMIT_MS);
        return `wds ${order}`;
      case 'terminate':
        await site.temporalCli(['workflow', 'terminate', ...workflow], COMMAND_LIMIT_MS);
        return 'temporal workflow terminate';
      case 'reset':
        await site.temporalCli(['workflow', 'reset', '--type', 'FirstWorkflowTask', ...workflow], COMMAND_LIMIT_MS);
        return 'temporal workflow reset';
    }
  }
}

const roleOf = (name: string): string => {
  if (name === 'server') return "Temporal's server";
  if (name === 'receiver') return 'the receiver';
  return name.startsWith('watcher') ? 'a watcher' : `a worker (${name.split('-')[0]})`;
};

const peerOf = (link: string): string => (link === 'receiver' ? 'the receiver' : 'Temporal');
