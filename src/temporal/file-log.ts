/** What the log, and the figures, say of a file that ends: one line about each. */
import type { Logger } from 'pino';
import type { RefusedFile } from '../../activities/refusals.ts';
import type { WriteReportInput } from '../domain/contracts.ts';
import type { FileSummary } from '../domain/counts.ts';
import { isAllDelivered } from '../domain/counts.ts';
import { fileWorkflowId } from '../domain/names.ts';
import { plainText } from '../domain/plain-text.ts';
import { countsText } from '../domain/progress/counts-text.ts';
import { invalidLines, warningLines } from '../domain/rows/words.ts';
import type { Count, Metrics } from '../monitoring/metrics.ts';
import { firstLine, isRefused, TOO_MANY } from './file-notices.ts';

/** Beyond these, the SDK's lines about them come through, too. */
const MOST_REFUSED = 10_000;

export class FileLog {
  readonly #logger: Logger;
  readonly #refused: Set<string>;
  readonly #countFile: Count;
  readonly #countRows: Count;

  /**
   * `refused`: IDs of the workflows of files that were logged as refused. `endpoints`: those that files are expected to go to. Theirs are counted from
   * zero: of a count that begins with one, Prometheus sees no increase.
   */
  constructor(logger: Logger, refused: Set<string>, metrics: Metrics, endpoints: readonly string[] = []) {
    this.#logger = logger;
    this.#refused = refused;
    const ofEach = (values: readonly string[]) => endpoints.flatMap((name) => values.map((value) => [name, value]));
    const ended = 'Files that ended: all delivered, or not all, or refused as a whole';
    this.#countFile = metrics.counting(
      { name: 'wds_files_ended_total', help: ended, labels: ['endpoint', 'result'] },
      ofEach(['delivered', 'incomplete', 'refused']),
    );
    const rows = 'Rows of files that ended, of which nothing can be sent';
    this.#countRows = metrics.counting(
      { name: 'wds_rows_unsent_total', help: rows, labels: ['endpoint', 'why'] },
      ofEach(['invalid', 'duplicate']),
    );
  }

  /** The one line about a file that is refused. */
  refused(file: Omit<RefusedFile, 'code'> & object): void {
    const { sha256, endpoint, line, reason } = file;
    const refused = this.#refused;
    if (endpoint !== undefined && refused.size < MOST_REFUSED) refused.add(fileWorkflowId(sha256, endpoint));
    const name = plainText(file.file);
    const where = line === undefined ? '' : ` (line ${line})`;
    const nextStep = 'Mend the file and drop it again.';
    this.#countFile([endpoint ?? '', 'refused']);
    this.#logger.warn(
      { event: 'file_refused', ...file, nextStep },
      `${name}: refused${where}, nothing of it is sent: ${plainText(reason)}`,
    );
  }

  /** The one line about a file that everybody looks for. */
  reported({ fileName, endpoint, round }: WriteReportInput, summary: FileSummary): void {
    const { sha256, alerts, delivered, rejected, undelivered, unconfirmed, invalid, duplicates, pending } = summary;
    const { suppressed = 0 } = summary;
    const counts = { alerts, delivered, rejected, undelivered, unconfirmed, suppressed, invalid, duplicates, pending };
    const { reportDir } = summary;
    const warnings = warningLines(summary);
    const found = {
      ...(invalid === 0 ? {} : { invalidReasons: invalidLines(summary), invalidRows: `${reportDir}/invalid.csv` }),
      ...(warnings.length === 0 ? {} : { warnings }),
    };
    this.#countRows([endpoint, 'invalid'], invalid);
    this.#countRows([endpoint, 'duplicate'], duplicates);
    // Its rows were read and found wanting; whoever was alerted by an earlier run lets it go on.
    if (isRefused(round, summary)) {
      const line = firstLine(summary);
      this.refused({ file: fileName, sha256, endpoint, line, reason: TOO_MANY, ...found });
      return;
    }
    this.#refused.delete(fileWorkflowId(sha256, endpoint));
    this.#countFile([endpoint, isAllDelivered(summary) ? 'delivered' : 'incomplete']);
    const level = isAllDelivered(summary) && invalid === 0 && warnings.length === 0 ? 'info' : 'warn';
    const fields = { event: 'file_reported', file: fileName, sha256, endpoint, ...counts, ...found, reportDir };
    this.#logger[level](fields, `${plainText(fileName)}: ${countsText(counts, pending)}; report ${reportDir}`);
  }
}
