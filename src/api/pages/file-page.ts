/** One file: what is going on, its counts, orders to it, and where to read on. */
import { plainText } from '../../domain/plain-text.ts';
import type { ShownFile } from './file-text.ts';
import {
  countsText,
  ended,
  filePage,
  isUnderWay,
  number,
  progressBar,
  reasonText,
  stateText,
  time,
  waitingText,
} from './file-text.ts';
import type { Html, Page } from './html.ts';
import { html } from './html.ts';

const COUNTS = [
  ['rows', 'Rows'],
  ['alerts', 'Alerts'],
  ['delivered', 'Delivered'],
  ['rejected', 'Rejected by the receiver'],
  ['undelivered', 'Given up'],
  ['unconfirmed', 'Unconfirmed: perhaps delivered'],
  ['suppressed', 'On a suppression list: not sent'],
  ['invalid', 'Invalid rows'],
  ['duplicates', 'Duplicates'],
  ['pending', 'Pending'],
] as const;

/** `temporal`: its page in the Temporal Web UI. */
export function fileDetailPage(file: ShownFile, temporal: string | undefined): Page {
  const share = file.alerts === 0 ? 0 : Math.floor((100 * ended(file)) / file.alerts);
  const counted = countsText(file);
  const counts = COUNTS.flatMap(([name, text]) =>
    (file[name] ?? 0) > 0 || name === 'alerts' || name === 'delivered'
      ? [html`<dt>${text}</dt><dd>${number(file[name] ?? 0)}</dd>`]
      : [],
  );
  const receipts = `/files/${encodeURIComponent(file.workflowId)}/receipts`;
  return {
    title: plainText(file.file),
    moves: isUnderWay(file),
    body: html`<div id="now" data-live>
<p role="status">${stateText(file)}${isUnderWay(file) && file.alerts > 0 ? `, ${share}%` : ''}${counted === '' ? '' : `: ${counted}`}</p>
${reasonText(file)}
${progressBar(file)}
${waitingText(file)}
<dl>${counts}<dt>Endpoint</dt><dd><a href="/ui/endpoints">${file.endpoint}</a></dd>
<dt>Started</dt><dd>${time(file.startedAt)}</dd><dt>${isUnderWay(file) ? 'For' : 'Took'}</dt><dd>${Math.round(file.seconds)} s</dd><dt>SHA-256</dt><dd>${file.sha256}</dd></dl>
${orders(file)}
</div>
${isUnderWay(file) ? html`<p data-again><a href="${filePage(file)}">Look again</a></p>` : ''}
<h2>Read on</h2>
<ul>
${isUnderWay(file) ? '' : html`<li><a href="${filePage(file)}/report">Report: how it went</a></li>`}
${file.state === 'received' ? '' : html`<li><a href="${receipts}" download="receipts.csv">Receipts, one line an alert (CSV)</a></li>`}
${temporal === undefined ? '' : html`<li><a href="${temporal}">In the Temporal Web UI</a></li>`}
</ul>`,
  };
}

function orders(file: ShownFile): Html {
  const buttons: Html[] = [];
  const button = (order: string, text: string, quiet = true): void => {
    buttons.push(
      html`<form method="post" action="${filePage(file)}/${order}"><button${quiet ? html` class="quiet"` : ''}>${text}</button></form>`,
    );
  };
  if (file.state === 'running') button('pause', 'Pause');
  if (file.waiting?.why === 'decision') button('approve', 'Send the rest', false);
  else if (file.state === 'paused') button('resume', 'Resume', false);
  if (file.state === 'running' || file.state === 'paused') button('cancel', 'Cancel the delivery');
  const failed = file.state === 'failed' || file.state === 'cancelled' || file.state === 'stopped';
  if (failed && file.rejected + file.undelivered + file.pending > 0)
    button('retry', 'Send what was not delivered', false);
  return html`<div class="orders">${buttons}</div>`;
}
