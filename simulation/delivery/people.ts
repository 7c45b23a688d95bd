/** What the people of a site do with their files: drop, retry, mend, pause, cancel, as the commands of wds do it. */
import { fileWorkflowId } from '../../src/domain/names.ts';
import { readDeliveryRecord } from '../../src/store/delivery-record.ts';
import { reportFolderName } from '../../src/store/report-shelf.ts';
import type { Home, Shell } from './home.ts';
import type { Step } from './plan.ts';
import { userOf } from './plan.ts';
import type { SimFile, SimRow } from './sim-files.ts';
import { simFile, simParse, stagedObjects } from './sim-files.ts';
import type { Site } from './site.ts';
import { ENDPOINT, REPORTS } from './wiring.ts';

const MOST_FILES = 7;

/** A file that somebody dropped, and the one whose rows it mends. */
export interface Dropped {
  readonly file: SimFile;
  readonly mends: Dropped | undefined;
  readonly home: Home;
}

export type PersonStep = Extract<Step, { readonly file: number }>;

export interface PeopleOptions {
  readonly site: Site;
  readonly trace: ((text: string) => void) | undefined;
  /** Told of what must not happen. */
  readonly alarm: (text: string) => void;
}

export class People {
  readonly dropped: Dropped[] = [];
  /** Commands that have not ended. */
  commands = 0;
  readonly #site: Site;
  readonly #trace: ((text: string) => void) | undefined;
  readonly #alarm: (text: string) => void;

  /** `files`: how many rows each file has that is there from the start. */
  constructor({ site, trace, alarm }: PeopleOptions, files: readonly number[]) {
    this.#site = site;
    this.#trace = trace;
    this.#alarm = alarm;
    for (const [file, rows] of files.entries()) this.#add(rowsOf(file, rows, site.plan.shared), undefined, site.home);
  }

  do(step: PersonStep): void {
    const dropped = this.dropped[step.file % this.dropped.length]!;
    switch (step.do) {
      case 'submit':
        this.#submit(this.#in(step.home, dropped), step.chunkSize, step.diesAtCall);
        return;
      case 'retry':
      case 'retry-unconfirmed':
        this.retry(dropped, step.do === 'retry-unconfirmed', step.diesAtCall);
        return;
      case 'mend':
        this.#mend(dropped, step);
        return;
      default:
        this.#order(dropped, step);
    }
  }

  #add(rows: readonly SimRow[], mends: Dropped | undefined, home: Home): Dropped {
    return this.#drop({ file: simFile(`file-${this.dropped.length}.csv`, rows), mends, home });
  }

  /** The same file in another home. */
  #in(number: number, dropped: Dropped): Dropped {
    const home = this.#site.homes[number] ?? this.#site.home;
    if (home === dropped.home) return dropped;
    const { sha256 } = dropped.file.staged;
    const known = this.dropped.find((other) => other.home === home && other.file.staged.sha256 === sha256);
    return known ?? this.#drop({ ...dropped, home });
  }

  #drop(dropped: Dropped): Dropped {
    const { file, home } = dropped;
    this.dropped.push(dropped);
    this.#site.files.set(file.staged.sha256, file);
    for (const [path, bytes] of stagedObjects(file)) home.host.disk.put(path, bytes);
    return dropped;
  }

  /**
   * A process of its own, which may die at its n-th call of the store. What the command ends with does not matter, but a bug would.
   */
  #command(what: string, home: Home, work: (shell: Shell) => Promise<unknown>, diesAtCall?: number): void {
    const shell = this.#site.shell(home);
    const { process } = shell;
    if (diesAtCall !== undefined) process.diesAtStoreCall = diesAtCall;
    this.commands++;
    let open = true;
    const ended = (): void => {
      if (open) this.commands--;
      open = false;
    };
    process.onDeath(ended);
    process.soon(() => {
      work(shell).then(ended, (error: unknown) => {
        this.#trace?.(`${what} failed: ${describe(error)}`);
        if (error instanceof TypeError || error instanceof RangeError) this.#alarm(`${what}: ${describe(error)}`);
        ended();
      });
    });
  }

  #submit({ file: { staged }, home }: Dropped, chunkSize: number, diesAtCall?: number): void {
    const { format: _format, ...parse } = simParse(chunkSize);
    const { delivery } = this.#site;
    const request = { staged, fileName: staged.name, endpoint: ENDPOINT, parse, delivery };
    const submit = async (shell: Shell): Promise<void> => {
      await shell.claimEndpoint();
      const { outcome } = await shell.deliveries.submit(request);
      this.#site.temporal.count(`submitted: ${outcome}`);
      this.#trace?.(`submitted ${staged.name}: ${outcome}`);
    };
    this.#command('submit', home, submit, diesAtCall);
  }

  retry({ file: { staged }, home }: Dropped, reopenUnconfirmed: boolean, diesAtCall?: number): void {
    const { delivery } = this.#site;
    const again = async ({ store, deliveries }: Shell): Promise<void> => {
      const record = await readDeliveryRecord(store, { sha256: staged.sha256, endpoint: ENDPOINT });
      if (record === undefined) return;
      const { outcome } = await deliveries.start(record, delivery, { reopenUnconfirmed });
      this.#site.temporal.count(`retry${reopenUnconfirmed ? ' unconfirmed' : ''}: ${outcome}`);
      this.#trace?.(`retry ${staged.name}: ${outcome}`);
    };
    this.#command('retry', home, again, diesAtCall);
  }

  #order({ file: { staged }, home }: Dropped, step: Step): void {
    const { temporal } = this.#site;
    const workflowId = fileWorkflowId(staged.sha256, ENDPOINT);
    const run = temporal.latest(workflowId);
    if (run === undefined) return;
    switch (step.do) {
      case 'cancel':
        this.#command('cancel', home, ({ deliveries }) => deliveries.cancel(workflowId));
        return;
      case 'pause':
      case 'resume':
        this.#command(step.do, home, ({ deliveries }) => deliveries.pause(workflowId, step.do === 'pause'));
        return;
      case 'terminate':
        temporal.terminate(run);
        return;
      case 'reset':
        temporal.reset(run, Math.floor(step.part * run.told.length));
        return;
      case 'forget':
        temporal.forget(workflowId);
    }
  }

  /** As a person does it: opens failed.csv, and perhaps invalid.csv, mends them, drops them. */
  #mend(dropped: Dropped, { otherUser, old, invalid }: Extract<Step, { readonly do: 'mend' }>): void {
    const { staged } = dropped.file;
    const folder = `${REPORTS}/${reportFolderName(staged.name, staged.sha256, ENDPOINT)}`;
    const report = (name: string): string => dropped.home.host.disk.read(`${folder}/${name}`)?.toString() ?? '';
    const recordsOf = (text: string): string[][] =>
      text
        .trimEnd()
        .split('\n')
        .slice(1)
        .map((record) => record.split(','));
    const failed = recordsOf(old ? (this.#site.firstFailed.get(folder) ?? '') : report('failed.csv'));
    const lost = invalid ? recordsOf(report('invalid.csv')) : [];
    const rows = failed.map(([userId = '', alertMessage = '', origin = ''], index): SimRow => {
      const mended = otherUser && index === 0 ? `other-${this.dropped.length}` : userId;
      return { userId: mended, alertMessage: `${alertMessage} mended ${this.dropped.length}`, origin };
    });
    for (const origin of lost.map((record) => record.at(-1) ?? '')) {
      rows.push({ userId: `found-${origin}`, alertMessage: `mended ${this.dropped.length}`, origin });
    }
    if (rows.length === 0 || this.dropped.length >= MOST_FILES) return;
    this.#site.temporal.count('mended');
    this.#submit(this.#add(rows, dropped, dropped.home), 3);
  }
}

const describe = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

/**
 * Now and then a row that is none, and a user that is there twice. `shared`: all but the last row of a file are those of the first file, in
 * another order.
 */
function rowsOf(file: number, count: number, shared: boolean): SimRow[] {
  const rows: SimRow[] = [];
  for (let row = 0; row < count; row++) {
    const userId = userOf(shared && row < count - 1 ? 0 : file, row);
    const say = { userId, alertMessage: `hello ${row}` };
    if (file % 2 === 1) rows.unshift(say);
    else rows.push(say);
  }
  if (count % 3 === 0) rows.push({ userId: '', alertMessage: 'nobody' });
  if (count % 4 === 1) rows.push({ userId: userOf(file, 0), alertMessage: 'once more' });
  return rows;
}
