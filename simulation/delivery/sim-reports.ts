/**
 * Reports on the simulated disk of the process that writes: a report is there whole or not at all, and one that was begun earlier never replaces a
 * later one. (How that is done in a folder, or in a bucket, has tests of its own.)
 */
import type { EarlierReport, ReportShelf, ReportWriter } from '../../src/store/report-shelf.ts';
import type { ReportPlace } from './sim-process.ts';
import { SimProcess } from './sim-process.ts';

function place(): ReportPlace {
  const { reports } = SimProcess.running();
  if (reports === undefined) throw new Error('this process writes no reports');
  return reports;
}

export class SimReports implements ReportShelf {
  readonly place: string;

  constructor(root: string) {
    this.place = root;
  }

  open(folderName: string, headers: Readonly<Record<string, string>>): Promise<ReportWriter> {
    return Promise.resolve(new SimReport(`${this.place}/${folderName}`, place(), headers));
  }

  async earlier(folderName: string): Promise<(EarlierReport & { readonly place: string }) | undefined> {
    const text = await this.read(folderName, 'report.json');
    return text === undefined ? undefined : { ...(JSON.parse(text) as EarlierReport), place: folderName };
  }

  read(folderName: string, name: string): Promise<string | undefined> {
    return Promise.resolve(place().read(`${this.place}/${folderName}/${name}`));
  }
}

class SimReport implements ReportWriter {
  readonly number: number;
  readonly place: string;
  readonly #disk: ReportPlace;
  readonly #texts: Map<string, string>;

  constructor(folder: string, disk: ReportPlace, headers: Readonly<Record<string, string>>) {
    this.place = folder;
    this.#disk = disk;
    this.number = disk.takeNumber();
    this.#texts = new Map(Object.entries(headers));
  }

  append(name: string, text: string): Promise<void> {
    this.#texts.set(name, (this.#texts.get(name) ?? '') + text);
    return Promise.resolve();
  }

  publish(): Promise<void> {
    return this.#disk.publish(this.place, this.#texts, this.number);
  }

  discard(): Promise<void> {
    return Promise.resolve();
  }
}
