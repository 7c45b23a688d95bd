/** The first page: upload a file, and the newest ones with their progress. */
import type { StatusReport } from '../../app/app.ts';
import { plainText } from '../../domain/plain-text.ts';
import {
  countsText,
  filePage,
  isUnderWay,
  progressBar,
  reasonText,
  stateText,
  time,
  waitingText,
} from './file-text.ts';
import type { Html, Page } from './html.ts';
import { html } from './html.ts';

/** `inboxes`: by the endpoints that each delivers to. */
export function filesPage(
  { files }: StatusReport,
  inboxes: readonly { readonly endpoints: readonly string[] }[],
): Page {
  const cards = files.map(
    (file) => html`<li class="card">
<h3><a href="${filePage(file)}">${plainText(file.file)}</a></h3>
<p>${stateText(file)}<span class="soft"> · to ${file.endpoint} · ${time(file.startedAt)}</span></p>
${progressBar(file)}
<p>${countsText(file)}</p>
${waitingText(file)}
${reasonText(file)}
</li>`,
  );
  const list = cards.length === 0 ? html`<p>No file yet.</p>` : html`<ol class="cards">${cards}</ol>`;
  return {
    title: 'Files',
    at: '/',
    moves: true,
    body: html`<section aria-labelledby="upload"><h2 id="upload">Upload</h2>
<form method="post" action="/ui/upload" enctype="multipart/form-data">
<div><label for="file">Files of alerts</label>
<p class="soft" id="kinds">.csv, .ndjson, .jsonl or .json, each also .gz; choose them, or drop them here</p>
<input id="file" name="file" type="file" multiple required aria-describedby="kinds" accept=".csv,.ndjson,.jsonl,.json,.gz"></div>
${uploadButtons(inboxes)}
</form></section>
<section aria-labelledby="newest"><h2 id="newest">Newest files</h2>
${files.some(isUnderWay) ? html`<p data-again><a href="/">Look again</a></p>` : ''}
<div id="files" data-live>${list}</div></section>`,
  };
}

/** One for each inbox: the address says where, and no field of the form, for fields may come behind the files. */
function uploadButtons(inboxes: readonly { readonly endpoints: readonly string[] }[]): Html {
  if (inboxes.length <= 1) {
    return html`<div class="orders"><button>Upload and deliver</button>
<button class="quiet" formaction="/ui/preview">Preview first</button></div>`;
  }
  const choices = new Map(inboxes.map(({ endpoints }) => [endpoints.join(','), endpoints.join(' and ')]));
  const buttons = [...choices].map(
    ([query, text]) =>
      html`<button formaction="/ui/upload?endpoint=${encodeURIComponent(query)}">Upload and deliver to ${text}</button>
<button class="quiet" formaction="/ui/preview?endpoint=${encodeURIComponent(query)}">Preview for ${text} first</button>`,
  );
  return html`<div class="orders">${buttons}</div>`;
}
