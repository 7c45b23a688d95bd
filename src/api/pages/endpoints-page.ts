/** The endpoints: whether they are well, how fast they are sent to, and orders about that. */
import type { EndpointStatus } from '../../app/endpoint-status.ts';
import { plainText } from '../../domain/plain-text.ts';
import type { Html, Page } from './html.ts';
import { html } from './html.ts';

export function endpointsPage(endpoints: readonly EndpointStatus[]): Page {
  const cards = endpoints.map((endpoint) => html`<li class="card">${card(endpoint)}</li>`);
  return {
    title: 'Endpoints',
    at: '/ui/endpoints',
    moves: true,
    body: cards.length === 0 ? html`<p>No endpoint yet.</p>` : html`<ul class="cards">${cards}</ul>`,
  };
}

function card({ name, url, rate, governor, note, served }: EndpointStatus): Html {
  const action = `/ui/endpoints/${encodeURIComponent(name)}`;
  const state =
    governor === null
      ? html`<span class="state unknown">${note ?? 'nothing is known of it'}</span>`
      : governor.paused
        ? html`<span class="state paused">Paused by an operator</span>`
        : governor.circuit === 'closed'
          ? html`<span class="state completed">Well</span>`
          : html`<span class="state failed">Nothing but probes is sent: ${plainText(governor.reason ?? governor.circuit)}</span>`;
  const waiting = governor?.waiting;
  const rateNow =
    governor === null ? '' : governor.ratePerSecond === null ? 'no limit' : `${governor.ratePerSecond} a second`;
  const field = `rate-${name}`;
  return html`<h2>${name}</h2>
<div id="endpoint-${name}" data-live><p>${state}</p>
${waiting ? html`<p>Waiting: ${plainText(waiting.text)}</p>` : ''}
${served === false ? html`<p>No worker serves it: nothing is sent.</p>` : ''}
<dl>${url === null ? '' : html`<dt>URL</dt><dd>${url}</dd>`}<dt>Configured</dt><dd>${rate === '' ? 'not here' : rate}</dd>
${rateNow === '' ? '' : html`<dt>Rate now</dt><dd>${rateNow}</dd>`}
${governor?.learned ? html`<dt>Learned</dt><dd>${plainText(governor.learned)}</dd>` : ''}
${governor?.shape ? html`<dt>Shape</dt><dd>${plainText(governor.shape)}</dd>` : ''}</dl></div>
${
  governor === null
    ? ''
    : html`<div class="orders">
<form method="post" action="${action}"><input type="hidden" name="order" value="${governor.paused ? 'resume' : 'pause'}"><button class="quiet">${governor.paused ? 'Resume' : 'Pause'} ${name}</button></form>
</div>
<form method="post" action="${action}"><input type="hidden" name="order" value="set-rate">
<div><label for="${field}">Rate of ${name}: requests a second, auto, unlimited or configured</label>
<input id="${field}" name="rate" required autocomplete="off" value="${governor.ordered ?? ''}"></div><button class="quiet">Set the rate</button></form>`
}`;
}
