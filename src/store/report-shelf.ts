/** Where reports are put: what writing one asks of the place, whichever store wds has. */

/** Where the reports of a file are, below the place of all reports: readable, and unique by the hash. */
export function reportFolderName(fileName: string, sha256: string, endpoint: string): string {
  const readable =
    fileName
      .replace(/[^\p{L}\p{N}._-]+/gu, '_')
      .replace(/^\.+/, '')
      .slice(0, 80) || 'file';
  return `${readable}-${sha256.slice(0, 8)}-${endpoint}`;
}

/** Of `report.json`, as far as its writers care. */
export interface EarlierReport {
  readonly alerts?: number;
  readonly delivered?: number;
  readonly number?: number;
  readonly readToTheEnd?: boolean;
  readonly writtenAt?: string;
}

/** A report that is being written. Throws Fault('store') where the place fails. */
export interface ReportWriter {
  /** The order of the reports: a higher one was begun later. */
  readonly number: number;
  /** Where it will be, for people. */
  readonly place: string;
  append(name: string, text: string): Promise<void>;
  /** Replaces the report by this one, unless a newer one has done so. Either way a whole report, no older than this, is there. */
  publish(): Promise<void>;
  /** After a throw: nothing of the new report stays. */
  discard(): Promise<void>;
}

export interface ReportShelf {
  /** Where the reports of all files are, for people. */
  readonly place: string;
  /** `headers`: the first line of each file, in the order in which they are published; `report.json` is the last. */
  open(folderName: string, headers: Readonly<Record<string, string>>): Promise<ReportWriter>;
  /** The newest report of a file, and where it is; undefined: there is none, or it is being replaced, or it cannot be read. */
  earlier(folderName: string): Promise<(EarlierReport & { readonly place: string }) | undefined>;
  /** One file of the newest report. undefined: there is none. */
  read(folderName: string, name: string): Promise<string | undefined>;
}
