/** One user: asked for by a form, answered with all alerts that there are for them. */
import type { FoundAlert, FoundUser } from '../../app/find-user.ts';
import { plainText } from '../../domain/plain-text.ts';
import { number, time } from './file-text.ts';
import type { Html, Page } from './html.ts';
import { html } from './html.ts';

/** By how much it is to be looked at. */
const CLASSES: Readonly<Record<FoundAlert['outcome'], string>> = {
  delivered: 'completed',
  rejected: 'failed',
  undelivered: 'failed',
  unconfirmed: 'paused',
  suppressed: 'unknown',
  pending: 'running',
  duplicate: 'unknown',
};

/** `found` undefined: nobody was asked for yet. */
export function userPage(found: FoundUser | undefined): Page {
  return {
    title: found === undefined ? 'Find a user' : plainText(found.userId),
    at: '/ui/users',
    body: html`<form method="get" action="/ui/users">
<div><label for="user">User, exactly as the files have it</label>
<input id="user" name="user" required autocomplete="off" value="${found?.userId ?? ''}"></div><button>Find</button></form>
${found === undefined ? '' : answer(found)}`,
  };
}

function answer({ alerts, more, unsearched }: FoundUser): Html {
  const cards = alerts.map(
    (alert) => html`<li class="card">
<h3><a href="/ui/files/${encodeURIComponent(alert.workflowId)}">${plainText(alert.file)}</a>, line ${number(alert.line)}</h3>
<p><span class="state ${CLASSES[alert.outcome]}">${alert.outcome}</span><span class="soft"> · to ${alert.endpoint}${alert.at === null ? '' : html` · ${time(alert.at)}`}</span></p>
${alert.reason === '' && alert.status === null ? '' : html`<p>Answer: ${plainText(alert.reason) || `HTTP ${alert.status}`}</p>`}
${alert.unknownAnswers > 0 ? html`<p>${number(alert.unknownAnswers)} more requests may have reached the user.</p>` : ''}
</li>`,
  );
  return html`<section aria-labelledby="alerts"><h2 id="alerts">Alerts</h2>
${cards.length === 0 ? html`<p>In no file that was read.</p>` : html`<ol class="cards">${cards}</ol>`}
${more > 0 ? html`<p>… and ${number(more)} older ones.</p>` : ''}
${unsearched.length > 0 ? html`<p>${number(unsearched.length)} files could not be searched: their rows are not there.</p>` : ''}
</section>`;
}
