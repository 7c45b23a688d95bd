/** What the judge is told about each file: its report, as `wds report` writes and shows it to anybody. */
import { parse } from 'csv-parse/sync';
import type { ReportedFile } from '../src/app/app.ts';
import type { Input } from './inputs.ts';
import type { Site } from './site.ts';

const REPORT_LIMIT_MS = 60_000;
const SIDE_BY_SIDE = 3;

export interface Receipt {
  readonly line: number;
  readonly outcome: string;
  readonly reason: string;
}

export interface Report {
  readonly exitCode: number | null;
  readonly state: string;
  readonly counts: Readonly<
    Record<
      'rows' | 'alerts' | 'delivered' | 'rejected' | 'undelivered' | 'unconfirmed' | 'invalid' | 'duplicates',
      number
    >
  >;
  readonly receipts: readonly Receipt[];
  /** Lines, as `failed.csv`, `ambiguous.csv`, `invalid.csv`, `duplicates.csv` name them. */
  readonly failed: readonly number[];
  readonly ambiguous: readonly number[];
  readonly invalid: readonly number[];
  readonly duplicates: readonly number[];
}

export interface FileEvidence {
  readonly input: Input;
  /** How often `retry --unconfirmed` was given for it. */
  readonly presses: number;
  /** undefined: wds knows no such file, or the command failed; `said` tells. */
  readonly report: Report | undefined;
  readonly said: string;
}

export async function readReports(
  site: Site,
  inputs: readonly Input[],
  presses: (sha256: string) => number,
): Promise<FileEvidence[]> {
  const evidence = new Map<string, FileEvidence>();
  const left = [...inputs];
  const work = async (): Promise<void> => {
    for (let input = left.shift(); input !== undefined; input = left.shift()) {
      const { code, stdout, stderr } = await site.wds(['report', input.sha256, '-o', 'json'], REPORT_LIMIT_MS);
      const report = readReport(site, code, stdout);
      evidence.set(input.sha256, { input, presses: presses(input.sha256), report, said: stderr.slice(-1_000) });
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
  return inputs.map(({ sha256 }) => evidence.get(sha256)!);
}

function readReport(site: Site, exitCode: number | null, stdout: string): Report | undefined {
  if (stdout.trim() === '') return undefined;
  const { state, reportDir, ...counts } = JSON.parse(stdout) as ReportedFile;
  const table = (name: string): Record<string, string>[] =>
    parse(site.premises.reportFile(reportDir, name) ?? '', { columns: true });
  const lines = (name: string): number[] => table(name).map(({ line }) => Number(line));
  return {
    exitCode,
    state,
    counts,
    receipts: table('receipts.csv').map(({ line, outcome = '', reason = '' }) => ({
      line: Number(line),
      outcome,
      reason,
    })),
    failed: table('failed.csv').map(({ wdsOrigin = '' }) => Number(wdsOrigin.split(':')[1])),
    ambiguous: lines('ambiguous.csv'),
    invalid: lines('invalid.csv'),
    duplicates: lines('duplicates.csv'),
  };
}
