/**
 * Stands in for store/report-files.ts, on the simulated disk of the process that writes: a report is there whole or not at all, and one that was
 * begun earlier never replaces a later one. (How that is done in a folder has tests of its own.)
 */
import type { EarlierReport } from '../../src/store/report-files.ts';
import type { ReportPlace } from './sim-process.ts';
import { SimProcess } from './sim-process.ts';

export const reportFolderName = (fileName: string, sha256: string, endpoint: string): string =>
  `${fileName}-${sha256.slice(0, 8)}-${endpoint}`;

function place(): ReportPlace {
  const { reports } = SimProcess.running();
  if (reports === undefined) throw new Error('this process writes no reports');
  return reports;
}

export function readEarlierReport(folder: string): Promise<EarlierReport | undefined> {
  const text = place().read(`${folder}/report.json`);
  return Promise.resolve(text === undefined ? undefined : (JSON.parse(text) as EarlierReport));
}

export class ReportFiles {
  readonly number: number;
  readonly #folder: string;
  readonly #place: ReportPlace;
  readonly #texts = new Map<string, string>();

  private constructor(folder: string, of: ReportPlace) {
    this.#folder = folder;
    this.#place = of;
    this.number = of.takeNumber();
  }

  static open(root: string, folderName: string, headers: Readonly<Record<string, string>>): Promise<ReportFiles> {
    const files = new ReportFiles(`${root}/${folderName}`, place());
    for (const [name, header] of Object.entries(headers)) files.#texts.set(name, header);
    return Promise.resolve(files);
  }

  append(name: string, text: string): Promise<void> {
    this.#texts.set(name, (this.#texts.get(name) ?? '') + text);
    return Promise.resolve();
  }

  publish(): Promise<void> {
    return this.#place.publish(this.#folder, this.#texts, this.number);
  }

  discard(): Promise<void> {
    return Promise.resolve();
  }
}
