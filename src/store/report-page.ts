/**
 * report.html: what became of a file, as one page for people. Self-contained: no scripts, nothing is loaded from elsewhere; readable on a phone,
 * in the dark, and by a screen reader. All text of others is escaped.
 */
import type { FileSummary } from '../domain/counts.ts';
import { COUNTS_OF_ALERTS, COUNTS_OF_OTHER_ROWS, isAllDelivered } from '../domain/counts.ts';
import { htmlText, plainText } from '../domain/plain-text.ts';
import { grouped, invalidLines, warningLines } from '../domain/rows/words.ts';
import { answerTimes, overTime, requestsTaken } from './report-charts.ts';
import type { ReportStats } from './report-stats.ts';

/** Failures that are shown, commonest first. */
const MOST_REASONS = 12;

export interface PageOf {
  readonly fileName: string;
  readonly endpoint: string;
  readonly workflowId: string;
  readonly readToTheEnd: boolean;
  readonly writtenAt: string;
  /** Alerts that the receiver may have accepted without wds knowing. */
  readonly ambiguous: number;
}

const safe = (text: string): string => htmlText(plainText(text));

const STYLE = `
:root{color-scheme:light dark;--ink:#1a1a1a;--soft:#595959;--back:#fff;--line:#d4d4d4;--good:#1a7f37;--bad:#b3261e;--slow:#9a6700}
@media(prefers-color-scheme:dark){:root{--ink:#e8e8e8;--soft:#a8a8a8;--back:#161616;--line:#3d3d3d;--good:#57c26d;--bad:#ff8a80;--slow:#e3b341}}
body{margin:0 auto;padding:1rem;max-width:60rem;color:var(--ink);background:var(--back);font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.4rem;margin:.2rem 0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
.soft{color:var(--soft)}.good{color:var(--good)}.bad{color:var(--bad)}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-bottom:1px solid var(--line)}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.k,th.k{white-space:nowrap}
figure{margin:.5rem 0 1rem}svg{width:100%;display:block;border-bottom:1px solid var(--soft)}figcaption{margin:0 0 .3rem}
.axis{display:flex;justify-content:space-between;gap:1rem;font-size:.85em}.slow{color:var(--slow)}code{font-size:.95em}
.wide{overflow-x:auto}summary{cursor:pointer}`;

/** The whole page. */
export function reportPage(summary: FileSummary, stats: ReportStats, of: PageOf): string {
  const { delivered, alerts } = summary;
  const well = of.readToTheEnd && isAllDelivered(summary) && summary.invalid === 0;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${safe(of.fileName)}: ${grouped(delivered)} of ${grouped(alerts)} delivered</title><style>${STYLE}</style></head>
<body><main>
<h1>${safe(of.fileName)}</h1>
<p><strong class="${well ? 'good' : 'bad'}">${headline(summary, of)}</strong></p>
<p class="soft">To endpoint ${safe(of.endpoint)}; written ${safe(of.writtenAt)}. All times are UTC.</p>
${countsTable(summary, of)}
${nextSteps(summary, of)}
${failures(stats)}
${findings(summary)}
${overTime(stats)}
${answerTimes(stats)}
${requestsTaken(stats)}
<h2>Where the rest is</h2>
<p>Beside this page: <a href="receipts.csv">receipts.csv</a> (every alert), <a href="failed.csv">failed.csv</a>,
<a href="unconfirmed.csv">unconfirmed.csv</a>, <a href="suppressed.csv">suppressed.csv</a>, <a href="ambiguous.csv">ambiguous.csv</a>, <a href="invalid.csv">invalid.csv</a>,
<a href="duplicates.csv">duplicates.csv</a>, <a href="report.json">report.json</a>.</p>
<p class="soft">SHA-256 <code>${safe(summary.sha256)}</code><br>Workflow <code>${safe(of.workflowId)}</code></p>
</main></body></html>
`;
}

function headline({ alerts, delivered, pending, rows, suppressed = 0 }: FileSummary, { readToTheEnd }: PageOf): string {
  if (!readToTheEnd) return 'Not read to its end: the numbers are those of a part, of which nothing was sent';
  if (rows === 0) return 'Empty: nothing to send';
  const notSent = suppressed > 0 ? `, ${grouped(suppressed)} suppressed` : '';
  const open = pending > 0 ? `; ${grouped(pending)} have no outcome yet` : '';
  return `${grouped(delivered)} of ${grouped(alerts)} alerts delivered${notSent}${open}`;
}

function countsTable(summary: FileSummary, { ambiguous }: PageOf): string {
  const names = [...COUNTS_OF_ALERTS, 'pending', ...COUNTS_OF_OTHER_ROWS] as const;
  const lines = names.map((name) => [name, summary[name] ?? 0] as const);
  const shown = [...lines, ['may have arrived twice, or unknown to wds', ambiguous] as const].filter(
    ([name, count]) => count > 0 || name === 'rows' || name === 'alerts' || name === 'delivered',
  );
  const body = shown.map(
    ([name, count]) => `<tr><th scope="row">${name}</th><td class="n">${grouped(count)}</td></tr>`,
  );
  return `<h2>Counts</h2><table>${body.join('')}</table>`;
}

function nextSteps(summary: FileSummary, { readToTheEnd }: PageOf): string {
  const { sha256, rejected, undelivered, unconfirmed, pending, invalid, suppressed = 0 } = summary;
  const name = sha256.slice(0, 12);
  const retry = `<code>wds retry ${name}</code>`;
  const steps = [
    ...(readToTheEnd ? [] : ['Mend the file and drop it again.']),
    ...(undelivered > 0 || pending > 0 ? [`Send what is missing, once the endpoint is well: ${retry}.`] : []),
    ...(rejected > 0
      ? [
          `The receiver refused ${grouped(rejected)}: if the endpoint was at fault, ${retry}; if the rows were, mend failed.csv and drop it.`,
        ]
      : []),
    ...(unconfirmed > 0
      ? [
          `Nobody knows whether ${grouped(unconfirmed)} arrived: look for them at the receiver by the webhookId in receipts.csv. To send them again: <code>wds retry ${name} --unconfirmed</code>.`,
        ]
      : []),
    ...(suppressed > 0
      ? [
          `Nothing for ${grouped(suppressed)} on a suppression list: they were not to be alerted. Who was on it by mistake: take them off, and drop their rows of suppressed.csv.`,
        ]
      : []),
    ...(invalid > 0 ? [`Mend the rows in invalid.csv and drop that file.`] : []),
  ];
  if (steps.length === 0) return '';
  return `<h2>What to do next</h2><ul>${steps.map((step) => `<li>${step}</li>`).join('')}</ul>`;
}

function failures(stats: ReportStats): string {
  const reasons = stats.reasons(MOST_REASONS);
  if (reasons.length === 0) return '';
  const rows = reasons.map(
    ({ count, line, outcome, reason, userId }) =>
      `<tr><td class="n">${grouped(count)}</td><td class="k">${outcome}</td><td>${safe(reason) || 'no reason is known'}<br><span class="soft">for example line ${grouped(line)}, ${safe(userId)}</span></td></tr>`,
  );
  const beyond = stats.reasonsBeyond(MOST_REASONS);
  const more = beyond + stats.otherReasons === 0 ? '' : '<p class="soft">And rarer ones: see failed.csv.</p>';
  return `<h2>Why alerts failed</h2><div class="wide" tabindex="0" role="region" aria-label="Why alerts failed"><table>
<thead><tr><th scope="col" class="n">alerts</th><th scope="col" class="k">outcome</th><th scope="col">reason</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>${more}`;
}

function findings(summary: FileSummary): string {
  const lines = [...invalidLines(summary).map((line) => `Invalid: ${line}`), ...warningLines(summary)];
  if (lines.length === 0) return '';
  return `<h2>In the rows</h2><ul>${lines.map((line) => `<li>${safe(line)}</li>`).join('')}</ul>`;
}
